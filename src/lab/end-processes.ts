// Signals to processes that are told by their pid and their start time, so that no other one is ever hit.
import { waitFor } from '../core/retry.ts';
import { readStartTime } from './process-table.ts';

/** A process for good: its pid together with when it started. */
interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/** Sends a signal to those that still are who they were. @returns whom to wait for */
export async function signalProcesses(
  processes: { pid: number; startTime?: string | undefined }[],
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<ProcessIdentity[]> {
  const signalled: ProcessIdentity[] = [];
  for (const { pid, startTime } of processes) {
    const current = await readStartTime(pid);
    if (current === undefined || (startTime ?? current) !== current) continue;
    try {
      process.kill(pid, signal);
      signalled.push({ pid, startTime: current });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return signalled;
}

export async function waitForEnd(processes: readonly ProcessIdentity[], timeoutMs = 60_000): Promise<void> {
  for (const { pid, startTime } of processes) {
    await waitFor(async () => (await readStartTime(pid)) !== startTime, {
      timeoutMs,
      intervalMs: 10,
      what: `the end of process ${pid}`,
    });
  }
}
