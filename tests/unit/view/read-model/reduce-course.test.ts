// The course of an operation: what is shown follows from events, in whatever order they come.
import { describe, expect, it } from '@jest/globals';
import type { ProgressEvent } from '../../../../src/core/progress.ts';
import { stepText } from '../../../../src/view/progress/step-text.ts';
import { noCourse } from '../../../../src/view/read-model/read-model.ts';
import { reduceCourse } from '../../../../src/view/read-model/reduce-course.ts';

const stateAfter = (...events: [number, ProgressEvent][]) =>
  events.reduce((state, [now, event]) => reduceCourse(state, event, now), noCourse);

const plan: [number, ProgressEvent] = [
  0,
  {
    type: 'planned',
    steps: [
      { step: 'freeze', title: 'freeze' },
      { step: 'transfer', title: 'send memory' },
    ],
  },
];

describe('reduceCourse', () => {
  it('shows bytes, total and rate while a step runs, and bytes and time after it', () => {
    const running = stateAfter(
      plan,
      [100, { type: 'begun', step: 'transfer' }],
      [
        300,
        {
          type: 'progressed',
          step: 'transfer',
          bytes: 2 ** 20,
          totalBytes: 2 ** 22,
          bytesPerSecond: 2 ** 23,
        },
      ],
    );
    expect(running.steps.map(({ state }) => state)).toEqual(['waiting', 'running']);
    expect(stepText(running.steps[1]!)).toBe('send memory: 1 MiB of 4 MiB, 8 MiB/s');
    const done = reduceCourse(running, { type: 'ended', step: 'transfer' }, 600);
    expect(stepText(done.steps[1]!)).toBe('send memory: 1 MiB, 0.50 s');
  });

  it('adds a step that was not planned, and lets a plan add to an earlier one', () => {
    const state = stateAfter(
      plan,
      [1, { type: 'begun', step: 'rollback', title: 'roll back' }],
      [
        2,
        {
          type: 'planned',
          steps: [
            { step: 'freeze', title: 'again' },
            { step: 'x', title: 'x' },
          ],
        },
      ],
    );
    expect(state.steps.map(({ title }) => title)).toEqual(['freeze', 'send memory', 'roll back', 'x']);
  });

  it('knows the steps that do not depend on each other', () => {
    const steps = [{ step: 'shop', title: 'move shop' }];
    const { steps: planned } = stateAfter(plan, [1, { type: 'planned', steps, sideBySide: 2 }]);
    expect(planned.map(({ sideBySide }) => sideBySide)).toEqual([undefined, undefined, 2]);
  });

  it('leaves a step as it ended, whatever comes late', () => {
    const failed = stateAfter(plan, [1, { type: 'failed', step: 'freeze', note: 'disk full' }]);
    expect(reduceCourse(failed, { type: 'progressed', step: 'freeze', bytes: 7 }, 2)).toBe(failed);
    expect(reduceCourse(failed, { type: 'ended', step: 'freeze' }, 3).steps[0]).toMatchObject({
      state: 'failed',
      note: 'disk full',
    });
  });
});
