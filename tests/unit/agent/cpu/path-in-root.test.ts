// Links of a container's file system lead where they lead inside it.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pathInRoot } from '../../../../agent/cpu/path-in-root.ts';

describe('a path in a root', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'cmig-root-'));
    await mkdir(join(root, 'usr/bin'), { recursive: true });
    await writeFile(join(root, 'usr/bin/prog'), '');
    await symlink('usr/bin', join(root, 'bin'));
    await symlink('/bin/prog', join(root, 'usr/bin/absolute'));
    await symlink('../../../../../../etc/passwd', join(root, 'usr/bin/out'));
    await symlink('again', join(root, 'again'));
  });
  afterAll(() => rm(root, { recursive: true }));

  it('follows links from its root', async () => {
    expect(await pathInRoot(root, '/bin/absolute')).toBe(join(root, 'usr/bin/prog'));
    expect(await pathInRoot(root, '/usr/./bin/../bin/prog')).toBe(join(root, 'usr/bin/prog'));
  });

  it('leads nowhere where there is nothing inside, or a link to itself', async () => {
    expect(await pathInRoot(root, '/usr/bin/out')).toBeUndefined();
    expect(await pathInRoot(root, '/again')).toBeUndefined();
  });
});
