// What `-f` may name, and what it may not.
import { mkdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { type ReadOptions, readManifests } from '../../../src/manifest/read-manifests.ts';
import { sound, Workspace } from './workspace.ts';

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create();
});
afterAll(() => workspace.remove());

const named = (name: string): string => sound.replace('name: shop', `name: ${name}`);

describe('sources', () => {
  it('takes a folder’s manifests by name, and with -R those below it', async () => {
    await workspace.write('all/app/bin/serve', '');
    await workspace.write('all/b.yml', named('b'));
    await workspace.write('all/a.yaml', named('a'));
    await workspace.write('all/c.json', JSON.stringify(parse(named('c')), undefined, '\t'));
    await workspace.write('all/x.schema.json', 'a schema for editors is no manifest');
    await workspace.write('all/readme.md', 'nor is this');
    await workspace.write('all/more/app/bin/serve', '');
    await workspace.write('all/more/d.yaml', named('d'));
    const folder = workspace.path('all');
    const names = async (options?: ReadOptions) =>
      (await readManifests(folder, options)).map(({ manifest }) => manifest.metadata.name);
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(await names({ recursive: true })).toEqual(['a', 'b', 'c', 'd']);
  });

  it('reads standard input, images relative to where it was started', async () => {
    const stdin = Readable.from([Buffer.from(sound.slice(0, 40)), Buffer.from(sound.slice(40))]);
    const found = await workspace.problems('-', { stdin });
    expect(found[0]).toBe(
      `stdin:9:14: there is no folder "app" (looked for ${process.cwd()}/app; is it built?)`,
    );
  });

  it('says which file is not there, and which one may be meant', async () => {
    await workspace.write('shop.yaml', sound);
    await mkdir(workspace.path('empty/below'), { recursive: true });
    expect(
      await workspace.problems([
        workspace.path('shp.yaml'),
        'https://example.org/x.yaml',
        workspace.path('empty'),
      ]),
    ).toEqual([
      'shp.yaml: there is no such file or folder (did you mean "shop.yaml"?)',
      'https://example.org/x.yaml: is a URL, not a file (fetch it first, and give the file or -)',
      'empty: holds no *.yaml, *.yml or *.json file (folders below it are read with -R)',
    ]);
  });

  it('refuses what is too large before it reads it, wherever it comes from', async () => {
    const large = await workspace.write('large.yaml', Buffer.alloc(10 * 2 ** 20, 'a'));
    expect(await workspace.problems(large)).toEqual([
      expect.stringMatching(/^large\.yaml: is larger than a manifest may be \(10\.0 MiB of 256 KiB\)/),
    ]);
    expect(await workspace.problems('/dev/zero')).toEqual([expect.stringMatching(/^\/dev\/zero: is larger/)]);
  });

  it.each([
    ['nothing', '', /^is empty/],
    ['a NUL byte', 'a: b\nc: \0', /^2:4: is not a text file: it holds a NUL byte/],
    ['Latin-1', Buffer.from([0x61, 0x3a, 0x0a, 0xfc, 0x62]), /^2:1: is not UTF-8 text$/],
    ['UTF-16', Buffer.from('\ufeffkind: x', 'utf16le'), /^1:1: is not UTF-8 text \(it looks like UTF-16/],
  ])('refuses %s', async (_what, content, expected) => {
    expect(await workspace.problemsOf(content)).toEqual([expect.stringMatching(expected)]);
  });

  it('takes a byte order mark', async () => {
    expect(await workspace.problemsOf(`\ufeff${sound}`)).toEqual([]);
  });
});
