// How an operation goes on from step to step, by what it says of itself.
import type { ProgressEvent } from '../../core/progress.ts';
import type { Course, StepState } from './read-model.ts';

/** The course after `event`, which happened at `nowMs`. A step that ended stays as it ended. */
export function reduceCourse(course: Course, event: ProgressEvent, nowMs: number): Course {
  if (event.type === 'noted') return { ...course, notes: [...course.notes, event.note] };
  if (event.type === 'planned') {
    const { sideBySide } = event;
    const known = new Set(course.steps.map(({ step }) => step));
    const added = event.steps
      .filter(({ step }) => !known.has(step))
      .map((step): StepState => ({ ...step, state: 'waiting', ...(sideBySide ? { sideBySide } : {}) }));
    return { ...course, steps: [...course.steps, ...added] };
  }
  const found = course.steps.find(({ step }) => step === event.step);
  const before: StepState = found ?? { step: event.step, title: event.step, state: 'waiting' };
  if (before.tookMs !== undefined) return course;
  const after = afterEvent(before, event, nowMs);
  const steps = found
    ? course.steps.map((step) => (step === found ? after : step))
    : [...course.steps, after];
  return { ...course, steps };
}

type StepEvent = Exclude<ProgressEvent, { type: 'planned' | 'noted' }>;

const endings = { ended: 'done', skipped: 'skipped', failed: 'failed' } as const;

function afterEvent(step: StepState, event: StepEvent, nowMs: number): StepState {
  // What is only seen in mid-course or at its end has begun too.
  const begunAtMs = step.begunAtMs ?? nowMs;
  if (event.type === 'begun') {
    return { ...step, state: 'running', begunAtMs, ...(event.title ? { title: event.title } : {}) };
  }
  if (event.type === 'progressed') {
    const { type: _, step: __, ...figures } = event;
    return { ...step, state: 'running', begunAtMs, ...figures };
  }
  const { note: _, bytesPerSecond: __, ...rest } = step;
  return {
    ...rest,
    state: endings[event.type],
    begunAtMs,
    tookMs: nowMs - begunAtMs,
    ...(event.note ? { note: event.note } : {}),
  };
}
