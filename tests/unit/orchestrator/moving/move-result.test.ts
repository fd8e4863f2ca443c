// One exit code for many moves.
import { describe, expect, it } from '@jest/globals';
import {
  type MoveOutcome,
  type MoveResult,
  worstOf,
} from '../../../../src/orchestrator/moving/move-result.ts';

const result = (outcome: MoveOutcome, error?: MoveResult['error']): MoveResult => ({
  application: 'shop',
  from: 'host-a',
  outcome,
  ...(error ? { error } : {}),
});

describe('worstOf', () => {
  it.each<[MoveOutcome[], string | undefined]>([
    [[], undefined],
    [['committed', 'left', 'gone', 'possible'], undefined],
    [['committed', 'refused'], 'preflight-refused'],
    [['refused', 'rolled-back'], 'rolled-back'],
    [['rolled-back', 'failed'], 'failed'],
    [['failed', 'needs-attention', 'refused'], 'needs-attention'],
  ])('of %j is %s', (outcomes, worst) =>
    expect(worstOf(outcomes.map((outcome) => result(outcome)))).toBe(worst),
  );

  it('tells why one was not begun', () => {
    const busy = result('failed', { code: 'conflict', message: 'in use' });
    expect(worstOf([busy, result('refused')])).toBe('conflict');
  });

  it('is the interruption where there was one, but for what needs attention', () => {
    expect(worstOf([result('rolled-back'), result('cancelled')], true)).toBe('cancelled');
    expect(worstOf([result('needs-attention'), result('cancelled')], true)).toBe('needs-attention');
    expect(worstOf([result('committed')], true)).toBeUndefined();
  });
});
