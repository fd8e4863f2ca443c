// What is made of the difference between two clocks.
import { describe, expect, it } from '@jest/globals';
import { judgeClock } from '../../../src/orchestrator/diagnosing.ts';

describe('judgeClock', () => {
  it('blames no clock for what the round trip took', () => {
    expect(judgeClock(1400, 600)).toMatchObject({ level: 'ok' });
    expect(judgeClock(-1400, 300)).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/behind/),
    });
    expect(judgeClock(90_000, 300)).toMatchObject({
      level: 'problem',
      message: expect.stringMatching(/ahead/),
    });
    expect(judgeClock(Number.NaN, 1)).toMatchObject({ level: 'ok' });
  });
});
