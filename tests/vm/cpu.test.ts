// Moves to an older CPU: refused beforehand where a program would die there; what is held to a baseline goes on.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { images } from '../e2e/lab.ts';
import { NumberedStream } from '../e2e/numbered-stream.ts';
import { freePorts } from '../free-ports.ts';
import { useMachines } from './machines.ts';
import { addressOf, applyApplication, cmig, cmigJson, cmigOk } from './slow-cmig.ts';

const container = (image: string, ...command: string[]) => ({
  name: 'main',
  image: `dir:${join(images, image)}`,
  command,
  stopTimeout: '0s',
});

describe('a CPU without AVX2 and xsave', () => {
  const machines = useMachines({ old: 'Nehalem' });

  it('takes nothing from one with them: preflight names what it lacks', async () => {
    await applyApplication('modern', {
      host: 'vm-a',
      containers: [container('busybox', 'sleep', '100000')],
    });
    expect(await machines['vm-a'].run('cat', '/proc/cpuinfo')).toMatch(/ avx2 /);
    const { exitCode, stderr } = await cmig('migrate', 'modern', 'vm-old');
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/vm-old lacks CPU features of vm-a: .*\bavx2\b.*\bxsave\b/);
    expect(await cmigOk('exec', 'modern', '--', 'echo', 'it runs on')).toBe('it runs on\n');
    await cmigOk('delete', 'modern');
  });

  it('takes what is held to a baseline that it has, with its connection, and gives it back', async () => {
    await applyApplication('held', {
      host: 'vm-a',
      cpu: { baseline: 'x86-64-v2' },
      containers: [
        { ...container('python', 'python3', '/app/ticker.py'), ready: { tcp: 7000, timeout: '100s' } },
      ],
    });
    const [port] = await freePorts(1);
    await machines['vm-a'].forward(port!, await addressOf('held'), 7000);
    const stream = await NumberedStream.open({ host: '127.0.0.1', port: port! });
    await stream.more(5, 120_000);
    const moved = await cmigJson('migrate', 'held', 'vm-old');
    expect(moved).toMatchObject({ outcome: 'committed', from: 'vm-a', to: 'vm-old', connections: 1 });
    await stream.more(20, 120_000);
    expect(await machines['vm-old'].run('cat', '/proc/cpuinfo')).not.toMatch(/ (avx2|xsave) /);
    expect(await cmigJson('migrate', 'held', 'vm-a')).toMatchObject({ outcome: 'committed' });
    await stream.more(20, 120_000);
    expect(stream.problems).toEqual([]);
    stream.close();
    await cmigOk('delete', 'held');
  });

  it('starts nothing whose baseline is above it', async () => {
    const applied = applyApplication('above', {
      host: 'vm-old',
      cpu: { baseline: 'x86-64-v3' },
      containers: [container('python', 'python3', '/app/ticker.py')],
    });
    await expect(applied).rejects.toThrow(
      /vm-old lacks CPU features of x86-64-v3, the baseline of above: abm, avx, avx2, .*xsave/,
    );
  });

  it('takes what is emulated back that was started on it, and not what was started elsewhere', async () => {
    const emulated = {
      cpu: { baseline: 'x86-64-v2', emulated: true },
      containers: [
        {
          ...container('busybox', 'busybox', 'httpd', '-f', '-p', '7000', '-h', '/app'),
          ready: { tcp: 7000, timeout: '100s' },
        },
      ],
    };
    const answers = async () =>
      expect(
        await cmigOk('exec', 'emulated', '--', 'busybox', 'wget', '-qO-', 'http://127.0.0.1:7000/ticker.sh'),
      ).toMatch(/^#!/);
    await applyApplication('emulated', { ...emulated, host: 'vm-old' });
    await answers();
    expect(await cmigJson('migrate', 'emulated', 'vm-a')).toMatchObject({ outcome: 'committed' });
    await answers();
    expect(await cmigJson('migrate', 'emulated', 'vm-old')).toMatchObject({ outcome: 'committed' });
    await answers();
    await cmigOk('delete', 'emulated');

    await applyApplication('emulated', { ...emulated, host: 'vm-a' });
    const { exitCode, stderr } = await cmig('migrate', 'emulated', 'vm-old');
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(
      /vm-old lacks .* where emulated was started, .*QEMU has translated it: .*\bavx2\b/,
    );
    await cmigOk('delete', 'emulated');
  });
});
