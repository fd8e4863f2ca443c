// The cgroups of a lab's containers: thawed, so that what was killed can die, and removed.
import { readdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../core/retry.ts';

const root = '/sys/fs/cgroup';

/** All folders for one cgroup: one in each hierarchy of version 1, one in version 2. */
async function foldersOf(cgroup: string): Promise<string[]> {
  const hierarchies = ['', ...(await readdir(root).catch(() => [] as string[]))];
  const folders = hierarchies.map((hierarchy) => join(root, hierarchy, cgroup));
  const found = await Promise.all(folders.map((folder) => stat(folder).catch(() => undefined)));
  return folders.filter((_, index) => found[index]?.isDirectory());
}

/** A cgroup with all below it, the deepest first. */
async function withDescendants(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => withDescendants(join(folder, entry.name))),
  );
  return [...below.flat(), folder];
}

/** In a frozen cgroup of version 1 even a killed process does not die. */
export async function thawCgroup(cgroup: string): Promise<void> {
  for (const top of await foldersOf(cgroup)) {
    for (const folder of (await withDescendants(top)).reverse()) {
      await writeFile(join(folder, 'freezer.state'), 'THAWED', { flag: 'r+' }).catch(() => {});
      await writeFile(join(folder, 'cgroup.freeze'), '0', { flag: 'r+' }).catch(() => {});
    }
  }
}

/** Removes a cgroup with all below it; its processes must have ended, which the kernel may notice a little later. */
export async function removeCgroup(cgroup: string): Promise<void> {
  for (const top of await foldersOf(cgroup)) {
    await waitFor(
      async () => {
        for (const folder of await withDescendants(top)) await rmdir(folder).catch(() => {});
        return (await stat(top).catch(() => undefined)) === undefined;
      },
      { timeoutMs: 30_000, intervalMs: 20, what: `the removal of the cgroup ${top}` },
    );
  }
}
