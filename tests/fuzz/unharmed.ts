// Attacks an agent in a lab of its own, and expects it to be as it was before.
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { artifacts, ownLabs } from '../e2e/settings.ts';
import { attack } from './attack.ts';
import { fuzzRun } from './settings.ts';
import { Target } from './target.ts';

/** What is remembered of so many requests, and what the heap keeps of the largest of them. */
const growthMb = 60;

/** `runs` and `seed` where CMIG_FUZZ_RUNS and CMIG_SEED say nothing else. */
export async function expectUnharmed(runs: number, seed?: number): Promise<void> {
  const run = fuzzRun(runs, seed);
  const target = await Target.up(ownLabs[2]);
  try {
    const startedAt = performance.now();
    const { problems, left, ...numbers } = await attack(target, run);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    process.stderr.write(`fuzz: ${JSON.stringify({ ...numbers, seconds })}\n`);
    expect({ seed: run.seed, problems, left }).toEqual({
      seed: run.seed,
      problems: [],
      left: { more: [], fewer: [] },
    });
    expect(numbers.residentMb.after).toBeLessThan(numbers.residentMb.before + growthMb);
    expect(numbers.openFiles.after).toBeLessThanOrEqual(numbers.openFiles.before + 5);
  } catch (error) {
    await mkdir(artifacts, { recursive: true });
    await cp(target.logFile, join(artifacts, 'fuzz-agent.log'));
    throw error;
  } finally {
    await target.down();
  }
}
