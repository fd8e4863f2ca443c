// Any text at all: manifests or a list of problems, and that soon.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CmigError } from '../../src/core/errors.ts';
import { readManifests } from '../../src/manifest/read-manifests.ts';
import { root } from '../e2e/settings.ts';
import { manifestTexts } from './manifest-texts.ts';
import { fuzzRun } from './settings.ts';
import { tangles } from './tangles.ts';

const folder = join(root, 'manifests');
const examples: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(folder, name), 'utf8'));
const { edited, relined, revalued, characters } = manifestTexts(examples);
const manifestText: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: edited },
  { weight: 4, arbitrary: relined },
  { weight: 5, arbitrary: revalued },
  { weight: 4, arbitrary: characters },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

/** Of this process's own time: how busy the machine is does not count. */
const longestMs = 2000;

interface Verdict {
  /** Why it is wrong that this came; undefined where it is right. */
  wrong: string | undefined;
  took: number;
}

async function read(text: string | Uint8Array): Promise<Verdict> {
  const before = process.cpuUsage();
  const wrong = await readManifests('-', {
    stdin: Readable.from([Buffer.from(text)]),
    allowOutside: true,
  }).then(
    (manifests) => (manifests.length > 0 ? undefined : 'neither a manifest nor a problem'),
    (error) => {
      if (!(error instanceof CmigError) || error.code !== 'invalid') return String(error.stack);
      return (error.problems ?? []).length > 0 ? undefined : 'no problem is named';
    },
  );
  const { user, system } = process.cpuUsage(before);
  const took = (user + system) / 1000;
  return { wrong: wrong ?? (took > longestMs ? `it took ${Math.round(took)} ms` : undefined), took };
}

describe('a manifest', () => {
  it('is read, or its problems are told, whatever its text', async () => {
    const { seed, runs } = fuzzRun(100_000);
    let longest = 0;
    const found: { text: string; wrong: string }[] = [];
    for (let done = 0; done < runs && found.length < 5; done += 1000) {
      for (const text of fc.sample(manifestText, {
        numRuns: Math.min(1000, runs - done),
        seed: seed + done,
      })) {
        const { wrong, took } = await read(text);
        longest = Math.max(longest, took);
        if (wrong) found.push({ text: Buffer.from(text).toString().slice(0, 3000), wrong });
      }
    }
    process.stderr.write(
      `fuzz: ${runs} manifests of ${examples.length} examples, at most ${Math.round(longest)} ms\n`,
    );
    expect({ seed, found }).toEqual({ seed, found: [] });
  }, 3_600_000);

  it.each(Object.keys(tangles))('is told soon what is wrong with it: %s', async (name) => {
    expect(await read(tangles[name]!)).toMatchObject({ wrong: undefined });
  });
});
