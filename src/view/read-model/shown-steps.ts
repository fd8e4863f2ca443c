// What a screen shows of the operation that this process runs: its steps, and of those that are moves how their
// migrations go; or, where it is a single migration, the steps of that.
import { currentStep } from './conditions.ts';
import type { MigrationState, ReadModel, StepState } from './read-model.ts';

export function shownSteps({ course, migrations }: ReadModel): readonly StepState[] {
  if (course.steps.length === 0) return [...migrations.values()].flatMap((each) => each.course.steps);
  return course.steps.map((step) => {
    if (step.application === undefined || step.state !== 'running') return step;
    // One that was refused elsewhere has been followed by another.
    const migration = [...migrations.values()].findLast(
      ({ application }) => application === step.application,
    );
    return migration ? { ...step, ...figuresOf(migration) } : step;
  });
}

function figuresOf(migration: MigrationState): Partial<StepState> {
  const step = currentStep(migration);
  if (step?.state !== 'running') return {};
  const { bytes, totalBytes, bytesPerSecond } = step;
  return {
    note: step.title,
    ...(bytes === undefined ? {} : { bytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  };
}
