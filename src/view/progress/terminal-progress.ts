// Progress on a terminal, by listr2: the planned steps with marks, times, bytes and rates.
import { Listr, type ListrTaskWrapper } from 'listr2';
import type { ProgressRenderer } from '../progress.ts';
import type { StepState } from '../read-model/read-model.ts';
import { stepFigures, stepText } from './step-text.ts';

// biome-ignore lint/suspicious/noExplicitAny: listr2's wrapper is generic over renderers it does not export
type Task = ListrTaskWrapper<any, any, any>;

/** Thrown to make listr2 mark a step; the real error is printed by the caller. */
class StepFailed extends Error {}

/** A person cannot read faster, and every drawing costs the time of what is shown. */
const betweenDrawingsMs = 80;

interface Shown {
  step: StepState;
  task: Task | undefined;
  settle: (step: StepState) => void;
  ended: Promise<StepState>;
  drawnAtMs: number;
}

/**
 * The steps of one plan are shown by one listr2 list, which ends when all of them have ended; a later plan is shown
 * by a list below it.
 */
export function terminalProgress(): ProgressRenderer {
  const shown = new Map<string, Shown>();
  let lists: Promise<void> = Promise.resolve();
  let noted: readonly string[] = [];

  function list(steps: readonly StepState[]): void {
    for (const step of steps) {
      const { promise, resolve } = Promise.withResolvers<StepState>();
      shown.set(step.step, { step, task: undefined, settle: resolve, ended: promise, drawnAtMs: 0 });
    }
    lists = lists.then(() => runList(steps));
  }

  async function runList(steps: readonly StepState[]): Promise<void> {
    const tasks = steps.map(({ step, title }) => ({
      title,
      task: async (_: unknown, task: Task) => {
        const entry = shown.get(step)!;
        entry.task = task;
        draw(entry);
        const end = await entry.ended;
        task.title = stepText(end);
        if (end.state === 'failed') throw new StepFailed(end.note ?? '');
        if (end.state === 'skipped') task.skip(stepText(end));
      },
    }));
    await new Listr(tasks, {
      concurrent: steps[0]?.sideBySide ?? false,
      exitOnError: false,
      // Ctrl-C belongs to the command, which waits for the true outcome.
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: true, showErrorMessage: false, collapseSkips: true },
    }).run();
  }

  function draw(entry: Shown): void {
    const now = performance.now();
    const { step, task } = entry;
    if (!task || step.state !== 'running' || now - entry.drawnAtMs < betweenDrawingsMs) return;
    entry.drawnAtMs = now;
    task.output = stepFigures(step);
  }

  /** At once, below what is being done; close() leaves it on the screen. */
  function note(text: string): void {
    for (const { step, task } of shown.values()) if (task && step.state === 'running') task.output = text;
  }

  const skip = ({ step, settle }: Shown): void => settle({ ...step, state: 'skipped' });

  return {
    show(steps, notes) {
      const unseen = steps.filter(({ step }) => !shown.has(step));
      if (unseen.length > 0) list(unseen);
      const failed = steps.some(({ state, sideBySide }) => state === 'failed' && !sideBySide);
      for (const step of steps) {
        const entry = shown.get(step.step)!;
        const changed = entry.step !== step;
        entry.step = step;
        if (step.tookMs !== undefined) entry.settle(step);
        // What waited for a step that has failed will not happen.
        else if (failed && step.state === 'waiting' && !step.sideBySide) skip(entry);
        else if (changed) draw(entry);
      }
      for (const text of notes.slice(noted.length)) note(text);
      noted = notes;
    },
    async close() {
      // What never ended (because something before it failed) must not keep its list open.
      for (const entry of shown.values()) if (entry.step.tookMs === undefined) skip(entry);
      await lists;
      for (const text of noted) process.stderr.write(`${text}\n`);
    },
  };
}
