// Images of another architecture are told by the program that a container starts.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { refuseArchitecture } from '../../../../agent/cpu/refuse-architecture.ts';
import { runProcess } from '../../../../src/core/run-process.ts';

describe('the program of a container', () => {
  let rootfs: string;
  const refuse = (program: string, architecture?: string) =>
    refuseArchitecture(
      rootfs,
      { name: 'main', image: 'dir:/nowhere', command: [program] },
      'host-b',
      architecture,
    );
  beforeAll(async () => {
    rootfs = await mkdtemp(join(tmpdir(), 'cmig-root-'));
    await mkdir(join(rootfs, 'bin'));
    const header = (machine: number) => {
      const bytes = Buffer.alloc(64);
      bytes.write('\x7fELF\x02\x01\x01', 'latin1');
      bytes.writeUInt16LE(machine, 18);
      return bytes;
    };
    for (const [name, machine] of Object.entries({ arm: 40, 'for-arm64': 183, i386: 3, odd: 999 }))
      await writeFile(join(rootfs, 'bin', name), header(machine));
    await symlink('for-arm64', join(rootfs, 'bin/linked'));
    await writeFile(join(rootfs, 'bin/script'), '#!/bin/for-arm64\n');
    await runProcess('cp', [process.execPath, join(rootfs, 'bin/node')]);
  });
  afterAll(() => rm(rootfs, { recursive: true }));

  it('is refused where it is made for another machine, a script by its interpreter', async () => {
    const message = 'container main: for-arm64 is made for arm64, and host-b is amd64';
    for (const program of ['/bin/for-arm64', '/bin/linked', '/bin/script'])
      await expect(refuse(program, 'x64')).rejects.toMatchObject({ code: 'unsupported', message });
    await expect(refuse('/bin/odd', 'arm64')).rejects.toThrow('odd is made for another machine (999)');
    await expect(refuse('/bin/node', process.arch === 'x64' ? 'arm64' : 'x64')).rejects.toThrow(
      /node is made for/,
    );
  });

  it('is let pass where it runs here, or is nothing that could be told', async () => {
    for (const program of ['/bin/for-arm64', '/bin/arm', '/bin/script']) await refuse(program, 'arm64');
    await refuse('/bin/i386', 'x64');
    await refuse('/bin/node');
    await refuse('/bin/nothing', 'x64');
    await refuse('/bin/odd', 'riscv64');
  });
});
