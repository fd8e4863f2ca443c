// Shows the progress of a long operation in the way that fits where the output goes.
import type { OnProgress, ProgressEvent } from '../core/progress.ts';

export interface ProgressRenderer {
  report(event: ProgressEvent): void;
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
  const renderer = await openRenderer(mode);
  try {
    return await work((event) => renderer.report(event));
  } finally {
    await renderer.close();
  }
}

async function openRenderer(mode: ProgressMode): Promise<ProgressRenderer> {
  if (mode === 'none') return { report: () => {}, close: async () => {} };
  // Each is loaded only where it is used: a command that shows no progress must start fast.
  if (mode === 'terminal') return (await import('./progress/terminal-progress.ts')).terminalProgress();
  const { lineProgress } = await import('./progress/line-progress.ts');
  return lineProgress((line) => process.stdout.write(`${line}\n`));
}
