// Progress of a command, in the way that fits where its output goes, and what an interruption does.
import type { OnProgress } from '../core/progress.ts';
import { progressMode, withProgress } from '../view/progress.ts';
import type { Invocation } from './command.ts';

/** Of a move, which is not left before it is known where the application is. */
export const waitsForOutcome = 'cancelling: waiting for the true outcome; interrupt again to leave at once';

/**
 * Runs `work` with progress on the screen; none where the output is for machines.
 * @param onAbort what is said when the command is interrupted, where it does not end at once
 */
export function showProgress<T>(
  invocation: Invocation,
  work: (onProgress: OnProgress) => Promise<T>,
  onAbort?: string,
): Promise<T> {
  const mode = progressMode({
    machineReadable: invocation.output !== undefined,
    terminal: invocation.interactive,
  });
  return withProgress(mode, (onProgress) => {
    if (onAbort !== undefined)
      invocation.signal.addEventListener('abort', () => {
        if (mode === 'terminal') onProgress({ type: 'noted', note: onAbort });
        else invocation.notice(onAbort);
      });
    return work(onProgress);
  });
}
