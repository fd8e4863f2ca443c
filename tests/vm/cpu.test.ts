// A move to an older CPU, on which a program that has looked for newer instructions would die, is refused beforehand.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { images } from '../e2e/lab.ts';
import { useMachines } from './machines.ts';
import { applyApplication, cmig, cmigOk } from './slow-cmig.ts';

describe('a CPU without AVX2 and xsave', () => {
  const machines = useMachines({ old: 'Nehalem' });

  it('takes nothing from one with them: preflight names what it lacks', async () => {
    await applyApplication('modern', {
      host: 'vm-a',
      containers: [
        {
          name: 'modern',
          image: `dir:${join(images, 'busybox')}`,
          command: ['sleep', '100000'],
          stopTimeout: '0s',
        },
      ],
    });
    expect(await machines['vm-a'].run('cat', '/proc/cpuinfo')).toMatch(/ avx2 /);
    const { exitCode, stderr } = await cmig('migrate', 'modern', 'vm-old');
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/vm-old lacks CPU features of vm-a: .*\bavx2\b.*\bxsave\b/);
    expect(await cmigOk('exec', 'modern', '--', 'echo', 'it runs on')).toBe('it runs on\n');
    await cmigOk('delete', 'modern');
  });
});
