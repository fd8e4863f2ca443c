// Runs steps in order; a failure before the commit undoes them in reverse order.
import type { MigrationStep } from '../../contract/migration.ts';
import { codeOf } from '../../core/errors.ts';
import { unlessAborted } from '../../core/unless-aborted.ts';
import type { MigrationRun, Step } from './step.ts';

export interface StepsResult {
  /** Undefined where every step was run. */
  failed?: { step: MigrationStep; error: unknown; undoErrors: unknown[] };
}

/** The step whose success is the commit. */
export const commitStep: MigrationStep = 'commit';

/**
 * Never rejects: what went wrong is in the result. With `signal` aborted the step under way is left and undone like a
 * failed one; the agents are told by its undo.
 */
export async function runSteps(
  steps: readonly Step[],
  run: MigrationRun,
  signal: AbortSignal,
): Promise<StepsResult> {
  const begun: Step[] = [];
  let committed = false;
  for (const step of steps) {
    run.onProgress({ type: 'begun', step: step.name, title: step.title });
    begun.unshift(step);
    const startedAt = performance.now();
    try {
      const note = committed
        ? await step.run(run)
        : await unlessAborted(step.run(run), signal, 'the migration');
      run.phases[step.name] ??= Math.round(performance.now() - startedAt);
      run.onProgress({ type: 'ended', step: step.name, ...(note ? { note } : {}) });
    } catch (error) {
      run.onProgress({
        type: 'failed',
        step: step.name,
        note: error instanceof Error ? error.message : String(error),
      });
      const undoErrors = committed ? [] : await rollBack(begun, run, error);
      return { failed: { step: step.name, error, undoErrors } };
    }
    committed ||= step.name === commitStep;
  }
  return {};
}

async function rollBack(newestFirst: readonly Step[], run: MigrationRun, error: unknown): Promise<unknown[]> {
  if (!newestFirst.some(({ undo }) => undo)) return [];
  run.onProgress({ type: 'begun', step: 'roll-back', title: 'roll back' });
  const errors = await undoSteps(newestFirst, run, error);
  run.onProgress({ type: errors.length > 0 ? 'failed' : 'ended', step: 'roll-back' });
  return errors;
}

async function undoSteps(
  newestFirst: readonly Step[],
  run: MigrationRun,
  error: unknown,
): Promise<unknown[]> {
  const reason = { code: codeOf(error), message: error instanceof Error ? error.message : String(error) };
  const errors: unknown[] = [];
  for (const step of newestFirst) {
    try {
      await step.undo?.(run, reason);
    } catch (undoError) {
      errors.push(undoError);
    }
  }
  return errors;
}
