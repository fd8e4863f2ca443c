import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { conflate } from '../../../src/core/conflate.ts';

describe('conflate', () => {
  it('works one at a time, and ends with the last value though the first takes longest', async () => {
    const done: number[] = [];
    let atOnce = 0;
    const put = conflate(async (value: number) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await sleep(value === 1 ? 30 : 1);
      done.push(value);
      atOnce -= 1;
    });
    await Promise.all([put(1), put(2), put(3)]);
    expect(done).toEqual([1, 3]);
    await put(4);
    expect(done).toEqual([1, 3, 4]);
  });

  it('fails where the last value did, and only then', async () => {
    const put = conflate(async (value: number) => {
      await sleep(1);
      if (value % 2 === 1) throw new Error(String(value));
    });
    await Promise.all([put(1), put(2)]);
    await expect(Promise.all([put(4), put(5)])).rejects.toThrow('5');
    await put(6);
  });
});
