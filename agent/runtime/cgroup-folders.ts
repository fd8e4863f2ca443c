// The cgroup of an application, around those of its containers: runc makes it, and leaves it behind.
import { readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalProcess } from './process-table.ts';

/** What was killed leaves its cgroup a moment later. */
const tries = 50;
const againAfterMs = 20;

/**
 * Removes it from every hierarchy, of version 1 and 2, with those of containers that runc does not know of: what a
 * killed criu was restoring, for one. Whatever is still inside is killed.
 */
export async function removeApplicationCgroup(
  parent: string,
  application: string,
  root = '/sys/fs/cgroup',
): Promise<void> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const hierarchies = ['', ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)];
  for (let left = tries; left > 0; left -= 1) {
    const removed = await Promise.all(
      hierarchies.map((hierarchy) => removeFolder(join(root, hierarchy, parent, application))),
    );
    if (removed.every(Boolean)) return;
    await sleep(againAfterMs);
  }
}

/** @returns whether it is gone */
async function removeFolder(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return true;
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  await Promise.all(below.map(removeFolder));
  await endProcesses(folder);
  await rmdir(folder).catch(() => {});
  return (await stat(folder).catch(() => undefined)) === undefined;
}

/** In a frozen cgroup of version 1 even a killed process does not die. */
async function endProcesses(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  const pids = text.split('\n').map(Number).filter(Boolean);
  if (pids.length === 0) return;
  for (const pid of pids) signalProcess(pid, 'SIGKILL');
  await writeFile(join(folder, 'freezer.state'), 'THAWED', { flag: 'r+' }).catch(() => {});
}
