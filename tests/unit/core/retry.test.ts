// Waiting, with a limit.
import { describe, expect, it } from '@jest/globals';
import { waitFor } from '../../../src/core/retry.ts';

const quick = { timeoutMs: 5000, intervalMs: 1, what: 'the file' };

describe('waitFor', () => {
  it('answers with the first value that is one', async () => {
    const answers = [undefined, false, Promise.resolve(undefined), 0, 1] as const;
    let tries = 0;
    expect(await waitFor(() => answers[tries++], quick)).toBe(0);
    expect(tries).toBe(4);
  });

  it('tries at least once, however short the time', async () => {
    expect(await waitFor(() => 'there', { ...quick, timeoutMs: 0 })).toBe('there');
  });

  it('says what did not happen', async () => {
    await expect(waitFor(() => undefined, { ...quick, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'timeout',
      message: 'the file did not happen within 0.02 s',
    });
  });

  it('throws what the probe throws', async () => {
    const probe = () => Promise.reject(new Error('gone'));
    await expect(waitFor(probe, quick)).rejects.toThrow('gone');
  });

  it('ends when it is cancelled, also before the first pause', async () => {
    const controller = new AbortController();
    const never = () => {
      controller.abort();
      return undefined;
    };
    const waiting = waitFor(never, { ...quick, intervalMs: 60_000, signal: controller.signal });
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });
});
