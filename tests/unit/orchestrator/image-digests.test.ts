// An image's digest depends on what is in it, not on how it came to be there.
import { mkdir, mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../src/core/run-process.ts';
import { ImageDigests } from '../../../src/orchestrator/image-digests.ts';
import type { ImageSource } from '../../../src/orchestrator/image-source.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-image-'));
});
afterEach(() => rm(folder, { recursive: true }));

const digestOf = async (form: ImageSource['form'], name: string) =>
  (await new ImageDigests().of({ form, path: join(folder, name) })).digest;

/** The same tree, its files made in the given order. */
async function makeTree(name: string, files: readonly string[]): Promise<void> {
  const root = join(folder, name);
  await mkdir(join(root, 'bin'), { recursive: true });
  for (const file of files) {
    await writeFile(join(root, 'bin', file), `I am ${file}`);
    await utimes(join(root, 'bin', file), 1e9, 1e9);
  }
  for (const path of [join(root, 'bin'), root]) await utimes(path, 1e9, 1e9);
}

describe('ImageDigests', () => {
  it('is the same for equal trees and another one for a changed file', async () => {
    await makeTree('one', ['a', 'b', 'c']);
    await makeTree('two', ['c', 'a', 'b']);
    const digest = await digestOf('dir', 'one');
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await digestOf('dir', 'two')).toBe(digest);
    await writeFile(join(folder, 'two/bin/a'), 'I was changed');
    expect(await digestOf('dir', 'two')).not.toBe(digest);
  });

  it('is the same for an archive however it is compressed', async () => {
    await makeTree('tree', ['a']);
    await runProcess('tar', ['-C', join(folder, 'tree'), '-cf', join(folder, 'plain'), '.']);
    const digest = await digestOf('tar', 'plain');
    for (const program of ['gzip', 'xz', 'zstd']) {
      await runProcess('cp', [join(folder, 'plain'), join(folder, program)]);
      await runProcess(
        program,
        ['-q', '--suffix=.packed', join(folder, program)].filter(
          (word) => program !== 'zstd' || !word.startsWith('--'),
        ),
      );
      const packed = program === 'zstd' ? 'zstd.zst' : `${program}.packed`;
      expect(await digestOf('tar', packed)).toBe(digest);
    }
  });

  it('refuses what is no archive, and one that is damaged', async () => {
    await writeFile(join(folder, 'text'), 'x'.repeat(2000));
    await expect(digestOf('tar', 'text')).rejects.toMatchObject({ code: 'invalid' });
    await writeFile(join(folder, 'broken'), Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6]));
    await expect(digestOf('tar', 'broken')).rejects.toMatchObject({ code: 'tool-failed' });
    await makeTree('whole', ['a']);
    await runProcess('tar', ['-C', join(folder, 'whole'), '-cf', join(folder, 'cut'), '.']);
    await truncate(join(folder, 'cut'), 1000);
    await expect(digestOf('tar', 'cut')).rejects.toMatchObject({ code: 'invalid' });
    await expect(digestOf('dir', 'nothing')).rejects.toMatchObject({ code: 'not-found' });
  });
});
