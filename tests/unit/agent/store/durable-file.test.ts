// Files of which a part was written when power was lost.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from '@jest/globals';
import { removeHalfWritten, writeFileDurably } from '../../../../agent/store/durable-file.ts';

it('what was being written is removed, and nothing else: least of all what an application has', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'durable-file-'));
  try {
    const halves = [
      'places.json.0123abcd.tmp',
      'migrations/m-1/images.kept.ea74ba5f.tmp',
      'applications/shop/application.json.89abcdef.tmp',
    ];
    const others = [
      'migrations/m-1/notes.tmp',
      'applications/shop/volumes/data/cache.0123abcd.tmp',
      'applications/shop/containers/web/upper/cache.0123abcd.tmp',
      'layers/ab/rootfs/cache.0123abcd.tmp',
    ];
    for (const path of [...halves, ...others]) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), '');
    }
    await writeFileDurably(join(folder, 'migrations/m-1/journal.json'), 'whole');
    await removeHalfWritten(folder);
    const left = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = left
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    expect(files.sort()).toEqual(
      [...others, 'migrations/m-1/journal.json'].map((path) => join(folder, path)).sort(),
    );
    expect(await readFile(join(folder, 'migrations/m-1/journal.json'), 'utf8')).toBe('whole');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
