// What several moves were warned of.
import { describe, expect, it } from '@jest/globals';
import type { Problem } from '../../../src/contract/fault.ts';
import { problemText } from '../../../src/core/problem-text.ts';
import type { MoveResult } from '../../../src/orchestrator/moving/move-result.ts';
import { moveWarnings } from '../../../src/view/move-summary.ts';

const kernel: Problem = { where: 'kernel', message: 'an older one', hint: 'update it', source: 'man' };
const clock = (digits: string): Problem => ({ where: 'time', message: `${digits} s apart`, source: 'clock' });

const committed = (application: string, to: string, findings: Problem[], beside: string[] = []) =>
  ({
    ...{ application, from: 'host-a', to, outcome: 'committed' },
    report: { findings, warnings: [...findings.map(problemText), ...beside] },
  }) as unknown as MoveResult;

describe('moveWarnings', () => {
  it('says once what concerns several, though it was measured anew for each', () => {
    const moved = [
      committed('one', 'host-b', [kernel, clock('3.0')]),
      committed('two', 'host-b', [clock('3.1'), kernel]),
    ];
    expect(moveWarnings(moved)).toEqual(['one, two: an older one (update it)', 'one, two: 3.0 s apart']);
  });

  it('keeps other hosts apart, and tells what came after preflight and what stood beside a refusal', () => {
    const refused: MoveResult = {
      ...{ application: 'three', from: 'host-a', to: 'host-c', outcome: 'refused' },
      error: { code: 'preflight-refused', message: 'no', warnings: [clock('9.0')] },
    };
    expect(
      moveWarnings([
        committed('one', 'host-b', [clock('3.0')], ['host-a does not answer']),
        committed('two', 'host-c', [clock('9.0')]),
        refused,
      ]),
    ).toEqual(['one: 3.0 s apart', 'one: host-a does not answer', 'two, three: 9.0 s apart']);
  });
});
