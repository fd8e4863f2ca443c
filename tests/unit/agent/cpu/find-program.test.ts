// What the kernel would load for a command of a container.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findProgram } from '../../../../agent/cpu/find-program.ts';

describe('the program of a command', () => {
  let rootfs: string;
  const find = (...command: string[]) =>
    findProgram(command, { rootfs, path: '/usr/local/bin:/bin', workingDir: '/app' });
  beforeAll(async () => {
    rootfs = await mkdtemp(join(tmpdir(), 'cmig-root-'));
    for (const folder of ['usr/local/bin', 'bin', 'app'])
      await mkdir(join(rootfs, folder), { recursive: true });
    await writeFile(join(rootfs, 'bin/busybox'), 'no ELF file, but no script either');
    await symlink('busybox', join(rootfs, 'bin/sh'));
    await writeFile(join(rootfs, 'app/run'), '#! /bin/sh -e x \necho');
  });
  afterAll(() => rm(rootfs, { recursive: true }));

  it('is found along PATH, by its path, or from the working directory', async () => {
    const file = join(rootfs, 'bin/busybox');
    expect(await find('sh', '-c', 'true')).toEqual({ file, argv: ['/bin/sh', '-c', 'true'] });
    expect(await find('/bin/busybox')).toEqual({ file, argv: ['/bin/busybox'] });
    expect(await find('../bin/sh')).toMatchObject({ file });
    expect(await find('nothing')).toBeUndefined();
  });

  it('of a script is its interpreter, with its one argument and the script', async () => {
    expect(await find('./run', 'now')).toEqual({
      file: join(rootfs, 'bin/busybox'),
      argv: ['/bin/sh', '-e x', '/app/run', 'now'],
    });
  });
});
