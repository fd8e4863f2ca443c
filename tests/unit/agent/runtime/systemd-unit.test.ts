// Leaving the unit of systemd, in folders that stand for the hierarchies of cgroups.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { leaveUnit } from '../../../../agent/runtime/systemd-unit.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cmig-cgroups-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function hierarchy(name: string): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, 'cgroup.procs'), '');
}
const inside = (name: string): Promise<string> =>
  readFile(join(root, name, 'cmig/.conmon/cgroup.procs'), 'utf8').catch(() => '');

it('moves a process in the hierarchy of version 2', async () => {
  await hierarchy('');
  await mkdir(join(root, 'system.slice'));
  await leaveUnit(4711, '/cmig/.conmon', root);
  expect(await inside('')).toBe('4711');
});

it('moves it in both of systemd beside version 1, and leaves the controllers of that alone', async () => {
  for (const name of ['unified', 'systemd', 'memory']) await hierarchy(name);
  await leaveUnit(4711, '/cmig/.conmon', root);
  expect([await inside('unified'), await inside('systemd'), await inside('memory')]).toEqual([
    '4711',
    '4711',
    '',
  ]);
});
