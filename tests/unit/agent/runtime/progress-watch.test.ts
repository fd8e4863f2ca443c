// What watches whether work gets on does not keep it from getting on.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { ProgressWatch } from '../../../../agent/runtime/progress-watch.ts';
import { waitFor } from '../../../../src/core/retry.ts';

describe('a watch of progress', () => {
  it('measures one thing at a time, however long that takes', async () => {
    const seen = { begun: 0, underWay: 0, atOnce: 0 };
    const watch = new ProgressWatch(
      async () => {
        seen.begun += 1;
        seen.underWay += 1;
        seen.atOnce = Math.max(seen.atOnce, seen.underWay);
        // Longer than it is from one look to the next.
        await sleep(1200);
        seen.underWay -= 1;
        return seen.begun;
      },
      60_000,
      'nothing',
    );
    try {
      await waitFor(async () => seen.begun >= 2, { timeoutMs: 60_000, intervalMs: 100, what: 'two looks' });
      expect(seen.atOnce).toBe(1);
    } finally {
      watch.stop();
    }
  });
});
