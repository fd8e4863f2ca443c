// The one reducer that turns the progress of a long operation into a state that any screen can show.
import type { ProgressEvent } from '../../core/progress.ts';

export interface StepState {
  step: string;
  title: string;
  state: 'waiting' | 'running' | 'done' | 'skipped' | 'failed';
  /** By the clock given to `reduceProgress`. */
  begunAtMs?: number;
  tookMs?: number;
  bytes?: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  note?: string;
  /** Another step's failure does not keep it from being begun. */
  independent?: true;
}

export interface ProgressState {
  steps: readonly StepState[];
  notes: readonly string[];
}

export const noProgress: ProgressState = { steps: [], notes: [] };

/** The state after `event`, which happened at `nowMs`. A step that ended stays as it ended. */
export function reduceProgress(state: ProgressState, event: ProgressEvent, nowMs: number): ProgressState {
  if (event.type === 'noted') return { ...state, notes: [...state.notes, event.note] };
  if (event.type === 'planned') {
    const known = new Set(state.steps.map(({ step }) => step));
    const added = event.steps
      .filter(({ step }) => !known.has(step))
      .map(
        ({ step, title }): StepState => ({
          ...{ step, title, state: 'waiting' },
          ...(event.sideBySide ? { independent: true } : {}),
        }),
      );
    return { ...state, steps: [...state.steps, ...added] };
  }
  const found = state.steps.find(({ step }) => step === event.step);
  const before: StepState = found ?? { step: event.step, title: event.step, state: 'waiting' };
  if (before.state !== 'waiting' && before.state !== 'running') return state;
  const after = reduceStep(before, event, nowMs);
  const steps = found ? state.steps.map((step) => (step === found ? after : step)) : [...state.steps, after];
  return { ...state, steps };
}

type StepEvent = Exclude<ProgressEvent, { type: 'planned' | 'noted' }>;

const endings = { ended: 'done', skipped: 'skipped', failed: 'failed' } as const;

function reduceStep(step: StepState, event: StepEvent, nowMs: number): StepState {
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
