// The freezer of a container's cgroup: its processes stand still whatever becomes of the criu that holds them.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Freezer {
  file: string;
  /** What to write into the file. */
  frozen: string;
  thawed: string;
}

/** Of the container whose bundle this is; undefined where this machine has none, or the container does not run. */
export async function findFreezer(
  bundle: string,
  cgroupRoot = '/sys/fs/cgroup',
): Promise<Freezer | undefined> {
  const text = await readFile(join(bundle, 'config.json'), 'utf8').catch(() => '{}');
  const path = (JSON.parse(text) as { linux?: { cgroupsPath?: string } }).linux?.cgroupsPath;
  if (!path) return undefined;
  const freezers: Freezer[] = [
    { file: join(cgroupRoot, 'freezer', path, 'freezer.state'), frozen: 'FROZEN', thawed: 'THAWED' },
    { file: join(cgroupRoot, path, 'cgroup.freeze'), frozen: '1', thawed: '0' },
  ];
  return freezers.find(({ file }) => existsSync(file));
}

export async function freeze(freezer: Freezer): Promise<void> {
  await writeFile(freezer.file, freezer.frozen, { flag: 'r+' });
}
