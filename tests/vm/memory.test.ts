// Checkpoints share the memory that has not changed between them, and each is whole by itself.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import { images } from '../e2e/lab.ts';
import { useMachines } from './machines.ts';
import { folder } from './settings.ts';
import { applyApplication, cmigJson, cmigOk } from './slow-cmig.ts';

/** What hoard.py holds. */
const hoard = 32 * 2 ** 20;
const say = async (what: 'change' | 'look'): Promise<string> =>
  (await cmigOk('exec', 'hoard', '--', 'sh', '-c', `echo ${what} | nc 127.0.0.1 7001`)).trim();
const take = (name: string): Promise<string> => cmigOk('checkpoint', 'hoard', '--name', name);
const restore = (name: string, ...options: string[]): Promise<string> =>
  cmigOk('restore', 'hoard', '--checkpoint', name, '--discard-current', ...options);
const look = (name: string): Promise<Checkpoint> => cmigJson<Checkpoint>('get', 'checkpoint', name);

describe('the memory of checkpoints where the kernel tells what was written to', () => {
  const machines = useMachines();

  it('is dumped only where it changed, and comes back whole in any order', async () => {
    await applyApplication('hoard', {
      host: 'vm-a',
      containers: [
        {
          name: 'hoard',
          image: `dir:${join(images, 'python')}`,
          command: ['python3', '-c', await readFile(join(import.meta.dirname, 'hoard.py'), 'utf8')],
          user: '1000:1000',
          stopTimeout: '1s',
          ready: { tcp: 7001 },
        },
      ],
    });
    const points: Record<string, string> = {};
    for (const name of ['one', 'two', 'three']) {
      points[name] = await say('change');
      await take(name);
    }
    expect(new Set(Object.values(points)).size).toBe(3);
    expect((await look('one')).spec.memorySince).toBeUndefined();
    for (const [name, before] of [
      ['two', 'one'],
      ['three', 'two'],
    ] as const) {
      const { spec, status } = await look(name);
      expect(spec.memorySince).toBe(before);
      expect(status.memoryBytes).toBeGreaterThan(hoard);
      // What changed is 1 MB and whatever an interpreter touches as it goes.
      expect(status.ownMemoryBytes).toBeLessThan(hoard / 2);
      expect(status.ownBytes).toBeLessThan(hoard / 2);
      expect(await cmigOk('describe', 'checkpoint', name)).toMatch(
        new RegExp(`^Memory: .*dumped: what was written to since ${before}$`, 'm'),
      );
    }

    for (const name of ['one', 'three']) {
      await restore(name);
      expect(await say('look')).toBe(points[name]);
    }
    // After a restore nothing is known of what was written to: the next one stands by itself.
    points.four = await say('change');
    await take('four');
    const four = await look('four');
    expect(four.spec.memorySince).toBeUndefined();
    expect(four.status.ownMemoryBytes).toBeGreaterThan(hoard);

    // What they were built upon goes, and then they go to another host: one by a file, one as hosts send them.
    await cmigOk('delete', 'checkpoint', 'one');
    const file = join(folder, 'two.tar.zst');
    await cmigOk('checkpoint', 'export', 'two', file);
    await cmigOk('delete', 'checkpoint', 'two');
    await restore('three', '--host', 'vm-b');
    expect(await say('look')).toBe(points.three);
    await cmigOk('checkpoint', 'import', file, '--host', 'vm-b');
    await restore('two');
    expect(await say('look')).toBe(points.two);
    expect(await machines['vm-b'].run('pgrep', '-u', '1000', '-c')).toBe('1\n');
    await cmigOk('delete', 'hoard');
    await cmigOk('delete', 'checkpoint', 'two', 'three', 'four');
  });
});
