// Any message at all: refused with a fault where it is no request, and the agent as it was before.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { labName } from '../e2e/settings.ts';
import { attack } from './attack.ts';
import { fuzzRun } from './settings.ts';
import { Target } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await Target.up(`${labName}-fuzz`);
}, 120_000);
afterAll(() => target?.down(), 60_000);

describe('an agent', () => {
  it('survives generated messages, each answered as it must be', async () => {
    const run = fuzzRun(100_000);
    const startedAt = performance.now();
    const { problems, left, ...numbers } = await attack(target, run);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    process.stderr.write(`fuzz: ${JSON.stringify({ ...numbers, seconds }, undefined, 1)}\n`);
    expect({ seed: run.seed, problems, left }).toEqual({
      seed: run.seed,
      problems: [],
      left: { more: [], fewer: [] },
    });
    expect(numbers.residentMb.after).toBeLessThan(numbers.residentMb.before + 60);
    expect(numbers.openFiles.after).toBeLessThanOrEqual(numbers.openFiles.before + 5);
  }, 3_600_000);
});
