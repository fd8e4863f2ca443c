// Progress as plain lines, for a pipe or a log: one as each step ends, and one now and then within a long copy.
import type { ProgressRenderer } from '../progress.ts';
import type { StepState } from '../read-model/read-model.ts';
import { stepText } from './step-text.ts';

const betweenLinesMs = 5000;
const words = { done: '', skipped: ' (skipped)', failed: ' (failed)', waiting: '', running: '' };

/** Writes a line by `write` for each note and each step that ends, and every 5 s for one that goes on. */
export function lineProgress(write: (line: string) => void): ProgressRenderer {
  const ended = new Set<string>();
  const spokenAtMs = new Map<string, number>();
  let notesWritten = 0;

  function speakOf(step: StepState): void {
    if (step.state === 'waiting' || ended.has(step.step)) return;
    if (step.tookMs !== undefined) {
      ended.add(step.step);
      write(`${stepText(step)}${words[step.state]}`);
      return;
    }
    const now = performance.now();
    if (!spokenAtMs.has(step.step)) spokenAtMs.set(step.step, now);
    if (now - spokenAtMs.get(step.step)! < betweenLinesMs) return;
    spokenAtMs.set(step.step, now);
    write(stepText(step));
  }

  return {
    show(steps, notes) {
      for (const note of notes.slice(notesWritten)) write(note);
      notesWritten = notes.length;
      for (const step of steps) speakOf(step);
    },
    async close() {},
  };
}
