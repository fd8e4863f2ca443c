// An application that is held to a level of x86-64: what its programs see, and what is refused.
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { addressOf, cmig, cmigJson, cmigOk, images, useLab } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { settings } from './settings.ts';

const loader = '/lib64/ld-linux-x86-64.so.2';

describe('a baseline', () => {
  useLab();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(settings.folder, 'baseline-'));
    await symlink(images, join(folder, 'images'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function written(name: string, cpu: object, container: object): Promise<string> {
    const file = join(folder, `${name}.yaml`);
    const spec = { host: 'host-a', cpu, containers: [{ name: 'main', stopTimeout: '0s', ...container }] };
    await writeFile(
      file,
      stringify({ apiVersion: 'cmig.dev/v1', kind: 'Application', metadata: { name }, spec }),
    );
    return file;
  }

  it('keeps glibc from what is above it, in the program and in what it starts, before and after a move', async () => {
    const file = await written(
      'held',
      { baseline: 'x86-64-v2' },
      {
        image: 'dir:images/python',
        command: ['python3', '/app/ticker.py'],
        env: [{ name: 'GLIBC_TUNABLES', value: 'glibc.malloc.arena_max=1' }],
        ready: { tcp: 7000 },
      },
    );
    await cmigOk('apply', '-f', file, '--allow-outside', '--wait');
    const inside = (...command: string[]) => cmigOk('exec', 'held', '--', ...command);
    // Some versions of glibc end each tunable in it, in their own copy only.
    const seen = async () => {
      expect(await inside(loader, '--help')).toMatch(/x86-64-v3\n/);
      expect(await inside('cat', '/proc/1/environ')).toMatch(
        /GLIBC_TUNABLES=glibc\.malloc\.arena_max=1[:\0]glibc\.cpu\.hwcaps=[^\0]*-AVX2,[^\0]*\0LD_BIND_NOW=1\0/,
      );
    };
    await seen();
    const stream = await NumberedStream.open({ host: await addressOf('held'), port: 7000 });
    try {
      await stream.more(5, 60_000);
      expect(await cmigJson('migrate', 'held', 'host-b')).toMatchObject({ outcome: 'committed' });
      await stream.more(5, 60_000);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
    }
    await seen();
    await cmigOk('checkpoint', 'held', '--name', 'taken');
    await cmigOk('restore', 'held', '--checkpoint', 'taken');
    await seen();
    await cmigOk('delete', 'held');
  }, 300_000);

  it('is refused for a program that asks the CPU by itself, unless it is trusted', async () => {
    const container = { image: 'dir:images/busybox', command: ['/app/ticker.sh'] };
    const loose = await written('loose', { baseline: 'x86-64-v2' }, container);
    const refused = await cmig('apply', '-f', loose, '--allow-outside');
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        'container main cannot be held to x86-64-v2: busybox asks the CPU by itself what it can do, and is linked statically',
      ),
    });
    const trusted = await written('loose', { baseline: 'x86-64-v2', trusted: ['busybox'] }, container);
    await cmigOk('apply', '-f', trusted, '--allow-outside', '--wait');
    await cmigOk('delete', 'loose');
  });

  it('binds any program where it is emulated, which can start no other, before and after a move', async () => {
    const file = await written(
      'emulated',
      { baseline: 'x86-64-v2', emulated: true },
      {
        image: 'dir:images/python',
        command: ['python3', '/app/ticker.py'],
        ready: { tcp: 7000, timeout: '90s' },
      },
    );
    await cmigOk('apply', '-f', file, '--allow-outside', '--wait');
    // What it started would run without the emulator, with all that the CPU has.
    const shell = await cmig(
      'exec',
      'emulated',
      '--',
      'busybox',
      'sh',
      '-c',
      'echo one; /usr/bin/busybox echo two',
    );
    expect(shell).toMatchObject({
      exitCode: 126,
      stdout: 'one\n',
      stderr: expect.stringContaining('/usr/bin/busybox: Permission denied'),
    });
    expect(await cmigOk('exec', 'emulated', '--', loader, '--help')).toMatch(
      /x86-64-v3\n\s+x86-64-v2 \(supported/,
    );
    const stream = await NumberedStream.open({ host: await addressOf('emulated'), port: 7000 });
    try {
      await stream.more(5, 60_000);
      expect(await cmigJson('migrate', 'emulated', 'host-b')).toMatchObject({ outcome: 'committed' });
      await stream.more(5, 60_000);
      expect(stream.problems).toEqual([]);
    } finally {
      stream.close();
    }
    await cmigOk('delete', 'emulated');
  }, 300_000);

  it('that there is none of is refused where it stands', async () => {
    const file = await written(
      'wrong',
      { baseline: 'x86-64-v9' },
      { image: 'dir:images/busybox', command: ['true'] },
    );
    const { exitCode, stderr } = await cmig('validate', '-f', file);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file}:8:15: spec.cpu.baseline must be x86-64-v1, x86-64-v2 or x86-64-v3`);
  });
});
