// Progress as plain lines, for a pipe or a log: one as each step ends, and one now and then within a long copy.
import type { ProgressEvent } from '../../core/progress.ts';
import type { ProgressRenderer } from '../progress.ts';
import { noProgress, reduceProgress } from './progress-state.ts';
import { stepText } from './step-text.ts';

const betweenLinesMs = 5000;
const words = { done: '', skipped: ' (skipped)', failed: ' (failed)', waiting: '', running: '' };

/** Writes a line by `write` for each step that ends, and every 5 s for one that goes on. */
export function lineProgress(write: (line: string) => void): ProgressRenderer {
  let state = noProgress;
  const spokenAtMs = new Map<string, number>();
  return {
    report(event: ProgressEvent) {
      const now = performance.now();
      const before = state;
      state = reduceProgress(state, event, now);
      if (event.type === 'noted') return write(event.note);
      if (event.type === 'planned' || state === before) return;
      const step = state.steps.find((candidate) => candidate.step === event.step)!;
      if (step.tookMs !== undefined) return write(`${stepText(step)}${words[step.state]}`);
      if (!spokenAtMs.has(step.step)) spokenAtMs.set(step.step, now);
      if (event.type !== 'progressed' || now - spokenAtMs.get(step.step)! < betweenLinesMs) return;
      spokenAtMs.set(step.step, now);
      write(stepText(step));
    },
    async close() {},
  };
}
