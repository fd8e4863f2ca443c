// What is made of questions after the hour of another machine.
import { describe, expect, it } from '@jest/globals';
import { clocksOf } from '../../../src/broker/measure-clocks.ts';

describe('clocks', () => {
  it('are compared by the shortest question, off by no more than half of its way', () => {
    expect(
      clocksOf([
        { askedAt: 1000, answeredAt: 1400, theirs: 900 },
        { askedAt: 2000, answeredAt: 2004, theirs: 5002 },
      ]),
    ).toEqual({ aheadMs: -3000, uncertainMs: 3 });
  });

  it('tell nothing where there is no answer, or our own was set meanwhile', () => {
    expect(clocksOf([])).toBeUndefined();
    expect(clocksOf([{ askedAt: 2000, answeredAt: 1000, theirs: 2000 }])).toBeUndefined();
  });
});
