// Waiting for something, with a limit.
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError } from './errors.ts';

export interface WaitOptions {
  timeoutMs: number;
  /** Between two tries; 50 if absent. */
  intervalMs?: number;
  /** What is waited for, to end the sentence "… did not happen within 5 s". */
  what: string;
  signal?: AbortSignal;
}

/**
 * Calls `probe` until it answers with something other than undefined or false.
 * @throws CmigError `timeout`, or `cancelled` where the signal was aborted; what `probe` throws is thrown on.
 */
export async function waitFor<T>(
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() >= end) {
      throw new CmigError('timeout', `${options.what} did not happen within ${options.timeoutMs / 1000} s`);
    }
    await sleep(options.intervalMs ?? 50, undefined, options.signal ? { signal: options.signal } : {}).catch(
      (cause) => {
        throw new CmigError('cancelled', `waiting for ${options.what} was given up`, { cause });
      },
    );
  }
}
