// The cgroup of an application, around those of its containers: runc makes it, and leaves it behind.
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes it from every hierarchy, of version 1 and 2; what is not empty or not there stays as it is. */
export async function removeApplicationCgroup(
  parent: string,
  application: string,
  root = '/sys/fs/cgroup',
): Promise<void> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const hierarchies = ['', ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)];
  await Promise.all(
    hierarchies.map((hierarchy) => rmdir(join(root, hierarchy, parent, application)).catch(() => {})),
  );
}
