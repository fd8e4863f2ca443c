// What is made of the difference between two clocks.
import { describe, expect, it } from '@jest/globals';
import { judgeClock } from '../../../src/orchestrator/diagnosing.ts';

describe('judgeClock', () => {
  it('blames no clock for what the round trip took', () => {
    expect(judgeClock({ aheadMs: 1400, uncertainMs: 600 })).toMatchObject({ level: 'ok' });
    expect(judgeClock({ aheadMs: -1400, uncertainMs: 300 })).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/behind/),
    });
    expect(judgeClock({ aheadMs: 90_000, uncertainMs: 300 })).toMatchObject({
      level: 'problem',
      message: expect.stringMatching(/ahead/),
    });
    expect(judgeClock(undefined)).toMatchObject({ level: 'ok' });
  });
});
