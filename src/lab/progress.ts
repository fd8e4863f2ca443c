// What a lab tells while it works, for whoever shows it.

export interface LabProgress {
  /** What it is about: the network, the broker, a host, the agent of a host. */
  part: 'network' | 'broker' | 'host' | 'agent';
  /** The host's name, or the part's. */
  name: string;
  /** `kept`: it ran already and was left alone. */
  state: 'starting' | 'ready' | 'kept' | 'stopping' | 'stopped' | 'waiting' | 'failed';
  /** How long it took, where it has ended. */
  ms?: number;
  message?: string;
}

export type OnProgress = (progress: LabProgress) => void;

/** Reports the start, the end and the length of one piece of work. */
export async function reported<T>(
  onProgress: OnProgress,
  part: LabProgress['part'],
  name: string,
  work: () => Promise<T>,
  [first, last]: [LabProgress['state'], LabProgress['state']] = ['starting', 'ready'],
): Promise<T> {
  const begin = performance.now();
  onProgress({ part, name, state: first });
  try {
    const value = await work();
    onProgress({ part, name, state: last, ms: Math.round(performance.now() - begin) });
    return value;
  } catch (error) {
    onProgress({
      part,
      name,
      state: 'failed',
      message: error instanceof Error ? error.message : String(error),
    });
    throw error;
  }
}
