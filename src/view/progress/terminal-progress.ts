// Progress on a terminal, by listr2: the planned steps with marks, times, bytes and rates.
import { Listr, type ListrTaskWrapper } from 'listr2';
import type { ProgressEvent } from '../../core/progress.ts';
import type { ProgressRenderer } from '../progress.ts';
import { noProgress, reduceProgress, type StepState } from './progress-state.ts';
import { stepFigures, stepText } from './step-text.ts';

// biome-ignore lint/suspicious/noExplicitAny: listr2's wrapper is generic over renderers it does not export
type Task = ListrTaskWrapper<any, any, any>;

/** Thrown to make listr2 mark a step; the real error is printed by the caller. */
class StepFailed extends Error {}

/** A person cannot read faster, and every drawing costs the time of what is shown. */
const betweenDrawingsMs = 80;

interface Shown {
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
  let state = noProgress;
  const shown = new Map<string, Shown>();
  let lists: Promise<void> = Promise.resolve();

  function show(steps: readonly StepState[], sideBySide: number | undefined): void {
    for (const step of steps) {
      const { promise, resolve } = Promise.withResolvers<StepState>();
      shown.set(step.step, { task: undefined, settle: resolve, ended: promise, drawnAtMs: 0 });
    }
    lists = lists.then(() => runList(steps, sideBySide));
  }

  async function runList(steps: readonly StepState[], sideBySide: number | undefined): Promise<void> {
    const tasks = steps.map((step) => ({
      title: step.title,
      task: async (_: unknown, task: Task) => {
        const entry = shown.get(step.step)!;
        entry.task = task;
        draw(entry, state.steps.find((candidate) => candidate.step === step.step)!);
        const end = await entry.ended;
        task.title = stepText(end);
        if (end.state === 'failed') throw new StepFailed(end.note ?? '');
        if (end.state === 'skipped') task.skip(stepText(end));
      },
    }));
    await new Listr(tasks, {
      concurrent: sideBySide ?? false,
      exitOnError: false,
      // Ctrl-C belongs to the command, which waits for the true outcome.
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: true, showErrorMessage: false, collapseSkips: true },
    }).run();
  }

  function draw(entry: Shown, step: StepState): void {
    const now = performance.now();
    if (!entry.task || step.state !== 'running' || now - entry.drawnAtMs < betweenDrawingsMs) return;
    entry.drawnAtMs = now;
    entry.task.output = stepFigures(step);
  }

  /** What waited for a step that has failed will not happen. */
  function skipWaiting(): void {
    for (const step of state.steps)
      if (step.state === 'waiting' && !step.independent)
        shown.get(step.step)?.settle({ ...step, state: 'skipped' });
  }

  return {
    report(event: ProgressEvent) {
      state = reduceProgress(state, event, performance.now());
      if (event.type === 'noted') {
        // At once, below what is being done; close() leaves it on the screen.
        for (const { step, state: now } of state.steps) {
          const task = now === 'running' ? shown.get(step)?.task : undefined;
          if (task) task.output = event.note;
        }
        return;
      }
      const unseen = state.steps.filter(({ step }) => !shown.has(step));
      if (unseen.length > 0) show(unseen, event.type === 'planned' ? event.sideBySide : undefined);
      if (event.type === 'planned') return;
      const step = state.steps.find((candidate) => candidate.step === event.step)!;
      const entry = shown.get(event.step)!;
      draw(entry, step);
      if (step.tookMs !== undefined) entry.settle(step);
      if (event.type === 'failed') skipWaiting();
    },
    async close() {
      // What never ended (because something before it failed) must not keep its list open.
      for (const step of state.steps) {
        if (step.tookMs === undefined) shown.get(step.step)?.settle({ ...step, state: 'skipped' });
      }
      await lists;
      for (const note of state.notes) process.stderr.write(`${note}\n`);
    },
  };
}
