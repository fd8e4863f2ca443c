// Keeps a model of what this process does, and has it shown after every change.
import type { OnProgress } from '../../core/progress.ts';
import type { ProgressRenderer } from '../progress.ts';
import { emptyModel } from '../read-model/read-model.ts';
import { reduceModel } from '../read-model/reduce-model.ts';
import { shownSteps } from '../read-model/shown-steps.ts';

export function followOperation(renderer: Pick<ProgressRenderer, 'show'>): OnProgress {
  let model = emptyModel(nowMs());
  return (progress) => {
    model = reduceModel(model, { type: 'progress', progress }, nowMs());
    renderer.show(shownSteps(model), model.course.notes);
  };
}

/** Since the epoch, and never set back: how long a step took is seen from it. */
const nowMs = (): number => performance.timeOrigin + performance.now();
