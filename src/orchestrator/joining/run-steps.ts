// Does the steps of a plan one after the other, and tells of each how it went.
import { CmigError } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';

export interface Step {
  step: string;
  title: string;
  run: () => Promise<void>;
}

/** @throws CmigError `cancelled` between two steps; whatever was done stays */
export async function runSteps(
  steps: readonly Step[],
  { onProgress, signal }: { onProgress: OnProgress; signal: AbortSignal },
): Promise<void> {
  onProgress({ type: 'planned', steps: steps.map(({ step, title }) => ({ step, title })) });
  for (const { step, run } of steps) {
    if (signal.aborted)
      throw new CmigError('cancelled', 'interrupted; run it again, and it goes on where it was');
    onProgress({ type: 'begun', step });
    await reporting(onProgress, step, run);
  }
}

/** Tells how it went. */
export async function reporting<T>(onProgress: OnProgress, step: string, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work();
    onProgress({ type: 'ended', step });
    return done;
  } catch (error) {
    onProgress({ type: 'failed', step });
    throw error;
  }
}
