// What of a process its baseline does not bind: seen on this one, and on one that is made for it.
import { describe, expect, it } from '@jest/globals';
import { holdToBaseline } from '../../../../agent/cpu/baseline-environment.ts';
import { unheldCode } from '../../../../agent/cpu/unheld-code.ts';
import { waitFor } from '../../../../src/core/retry.ts';
import { spawnProcess } from '../../../../src/core/run-process.ts';

const baseline = 'x86-64-v2';

describe('code that a baseline does not bind', () => {
  it('is of a program that asks the CPU by itself, until it is trusted', async () => {
    const self = [{ container: 'main', pid: process.pid }];
    const found = await unheldCode(self, { baseline });
    expect(found).toContainEqual(
      expect.stringMatching(
        new RegExp(`^node of .* \\(container main, pid ${process.pid}\\) asks the CPU by itself$`),
      ),
    );
    const trusting = await unheldCode(self, { baseline, trusted: ['node'] });
    expect(trusting.join()).not.toMatch(/^node of|,node of/);
  });

  it('is of a program without the environment, and not of one with it', async () => {
    const held = Object.fromEntries(holdToBaseline([], baseline).map(({ name, value }) => [name, value]));
    const start = (argv: string[]) =>
      spawnProcess('env', argv, { env: held, stdio: ['ignore', 'ignore', 'ignore'] });
    const bound = start(['sleep', '1000']);
    const loose = start(['-i', '/bin/sleep', '1000']);
    const look = (pid: number) => unheldCode([{ container: 'main', pid }], { baseline });
    try {
      // Until then it is still env, which goes on with the environment that it was given itself.
      await waitFor(async () => (await look(loose.pid!)).length > 0, {
        timeoutMs: 30_000,
        intervalMs: 50,
        what: 'the program without its environment',
      });
      expect(await look(loose.pid!)).toEqual([expect.stringContaining('runs without GLIBC_TUNABLES')]);
      expect(await look(bound.pid!)).toEqual([]);
    } finally {
      bound.kill('SIGKILL');
      loose.kill('SIGKILL');
    }
  }, 60_000);
});
