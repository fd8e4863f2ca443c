// Where a path of a container leads on this host: its links are the container's, and never lead out of its root.
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';

const linksAtMost = 40;

/** @returns the path on this host; undefined where there is nothing */
export async function pathInRoot(root: string, path: string): Promise<string | undefined> {
  let links = 0;
  let place: string[] = [];
  const todo = path.split('/');
  while (todo.length > 0) {
    const name = todo.shift()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      place = place.slice(0, -1);
      continue;
    }
    const entry = await lstat(join(root, ...place, name)).catch(() => undefined);
    if (!entry) return undefined;
    if (!entry.isSymbolicLink()) {
      place.push(name);
      continue;
    }
    links += 1;
    if (links > linksAtMost) return undefined;
    const target = await readlink(join(root, ...place, name));
    if (target.startsWith('/')) place = [];
    todo.unshift(...target.split('/'));
  }
  return join(root, ...place);
}
