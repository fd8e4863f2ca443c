// Shows the progress of a long operation in the way that fits where the output goes.
import type { OnProgress } from '../core/progress.ts';
import type { StepState } from './read-model/read-model.ts';

/** Shows what is told of an operation; it decides nothing. */
export interface ProgressRenderer {
  /** All of it, after every change. */
  show(steps: readonly StepState[], notes: readonly string[]): void;
  /** Shows the last of it and gives the terminal back. */
  close(): Promise<void>;
}

/** `terminal`: by listr2; `lines`: one line a step; `none`: for JSON, nothing. */
export type ProgressMode = 'terminal' | 'lines' | 'none';

/** What fits: nothing for machine-readable output, lines where standard output is no terminal. */
export function progressMode(options: { machineReadable: boolean; terminal: boolean }): ProgressMode {
  if (options.machineReadable) return 'none';
  // A terminal that does not say how wide it is (as some that only record are) cannot be drawn on.
  const drawable = (process.stdout.columns ?? 0) >= 20;
  return options.terminal && drawable ? 'terminal' : 'lines';
}

/** Runs `work`, shows what it reports, and gives the screen back before it returns or throws. */
export async function withProgress<T>(
  mode: ProgressMode,
  work: (report: OnProgress) => Promise<T>,
): Promise<T> {
  if (mode === 'none') return work(() => {});
  // Each is loaded only where it is used: a command that shows no progress must start fast.
  const { followOperation } = await import('./progress/follow-operation.ts');
  const renderer = await openRenderer(mode);
  try {
    return await work(followOperation(renderer));
  } finally {
    await renderer.close();
  }
}

async function openRenderer(mode: 'terminal' | 'lines'): Promise<ProgressRenderer> {
  if (mode === 'terminal') return (await import('./progress/terminal-progress.ts')).terminalProgress();
  const { lineProgress } = await import('./progress/line-progress.ts');
  return lineProgress((line) => process.stdout.write(`${line}\n`));
}
