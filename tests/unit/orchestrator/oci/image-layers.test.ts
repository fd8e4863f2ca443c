// What is read of layers while they pass: members of real archives, and the accounts that the layers leave together.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../../src/core/run-process.ts';
import { LayersReader } from '../../../../src/orchestrator/oci/image-layers.ts';
import { TarEntries, type TarEntry } from '../../../../src/orchestrator/oci/tar-entries.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-layers-read-'));
});
afterAll(() => rm(folder, { recursive: true }));

let made = 0;

/** Packs these files of one root alone: their folders are named only where they stand among them. */
async function members(root: Record<string, string>, ...names: string[]): Promise<string> {
  const whole = await archive(root);
  const file = `${whole}.members`;
  await runProcess('tar', ['-C', whole.replace(/\.tar$/, ''), '--no-recursion', '-cf', file, '--', ...names]);
  return file;
}

async function archive(files: Record<string, string>, ...options: string[]): Promise<string> {
  const root = join(folder, `${++made}`);
  await mkdir(root);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    if (text.startsWith('->')) await symlink(text.slice(2), join(root, name));
    else await writeFile(join(root, name), text, { mode: 0o640 });
  }
  await runProcess('tar', ['-C', root, '-cf', `${root}.tar`, '--sort=name', ...options, '.']);
  return `${root}.tar`;
}

describe('the members of an archive', () => {
  const long = `${'folder-'.repeat(12)}/${'name-'.repeat(40)}ü`;

  it.each(['pax', 'gnu', 'oldgnu'])('of the format %s, in pieces of any size', async (format) => {
    const file = await archive(
      { short: 'one', [long]: 'x'.repeat(5000), link: '->short' },
      `--format=${format}`,
    );
    const data = await readFile(file);
    for (const size of [1, 511, 700, data.length]) {
      const entries: TarEntry[] = [];
      const contents: Record<string, string> = {};
      const reader = new TarEntries((entry) => {
        entries.push(entry);
        return entry.type === 'file'
          ? (content) => {
              contents[entry.path] = content.toString();
            }
          : undefined;
      });
      for (let at = 0; at < data.length; at += size) reader.push(data.subarray(at, at + size));
      expect(entries.map(({ path, type }) => [path, type])).toEqual([
        ['', 'folder'],
        [dirname(long), 'folder'],
        [long, 'file'],
        ['link', 'other'],
        ['short', 'file'],
      ]);
      expect(entries[2]).toMatchObject({ mode: 0o640, sizeBytes: 5000 });
      expect(contents).toEqual({ short: 'one', [long]: 'x'.repeat(5000) });
    }
  });
});

describe('the accounts of an image', () => {
  it.each<[string, Record<string, string>[], string, string]>([
    [
      'of the topmost layer that has them',
      [{ 'etc/passwd': 'a', 'etc/group': 'g' }, { 'etc/passwd': 'b' }],
      'b',
      'g',
    ],
    [
      'none where a layer removes them',
      [{ 'etc/passwd': 'a', 'etc/group': 'g' }, { 'etc/.wh.passwd': '' }],
      '',
      'g',
    ],
    [
      'none where a layer removes their folder',
      [{ 'etc/passwd': 'a', 'etc/group': 'g' }, { '.wh.etc': '' }],
      '',
      '',
    ],
    [
      'of a layer that hides all below, itself not',
      [
        { 'etc/passwd': 'a', 'etc/group': 'g' },
        { 'etc/.wh..wh..opq': '', 'etc/passwd': 'b' },
      ],
      'b',
      '',
    ],
    ['none where one is a link', [{ 'etc/passwd': 'a' }, { 'etc/passwd': '->/outside' }], '', ''],
  ])('%s', async (_what, layers, passwd, group) => {
    const reader = new LayersReader();
    for (const files of layers) await reader.read({ form: 'tar', path: await archive(files) });
    expect(reader.accounts).toEqual({ passwd, group });
  });
});

describe('folders that a layer does not name', () => {
  const read = async (...layers: string[]): Promise<string[]> => {
    const reader = new LayersReader();
    for (const path of layers) await reader.read({ form: 'tar', path });
    const layer = reader.folders.layer();
    if (!layer) return [];
    await writeFile(join(folder, 'said.tar'), layer);
    const { stdout } = await runProcess('tar', ['-tvf', join(folder, 'said.tar'), '--numeric-owner']);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^(\S+) (\S+) .* (\S+)$/, '$1 $2 $3'));
  };
  const deep = `home/${'long-'.repeat(30)}ü`;
  const base = async (...options: string[]) =>
    archive(
      { 'tmp/x': '', [`${deep}/x`]: '', 'usr/x': '' },
      '--mode=1777',
      '--owner=3000000',
      '--group=7',
      ...options,
    );

  it('are said again as the layers below have them, with those that they lie in', async () => {
    const upper = await members({ [`${deep}/new`]: '' }, `${deep}/new`);
    expect(await read(await base(), upper)).toEqual([
      'drwxrwxrwt 3000000/7 ./',
      'drwxrwxrwt 3000000/7 ./home/',
      expect.stringMatching(/^drwxrwxrwt 3000000\/7 \.\/home\/long-/),
    ]);
    // As every folder is that nobody names.
    expect(await read(await base('--mode=755', '--owner=0', '--group=0'), upper)).toEqual([]);
  });

  it('are not, where a layer names them after all, or they are removed or hidden and come anew', async () => {
    const files = { 'tmp/new': '', '.wh.tmp': '', '.wh..wh..opq': '' };
    const [plain, named] = [
      await members(files, './', 'tmp/new'),
      await members(files, './', 'tmp', 'tmp/new'),
    ];
    expect(await read(await base(), plain)).toEqual(['drwxr-xr-x 0/0 ./', 'drwxrwxrwt 3000000/7 ./tmp/']);
    expect(await read(await base(), plain, named)).toEqual([]);
    for (const mark of ['.wh.tmp', '.wh..wh..opq'])
      expect(await read(await base(), await members(files, './', mark, 'tmp/new'))).toEqual([]);
  });
});
