// Paths below a folder that containers write to, as rsync may be given them: bytes as latin1, since a name may be no UTF-8.
import { realpath } from 'node:fs/promises';

export const absolutePath = (folder: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);

/**
 * Those that are there and have no symbolic link on their way: a container may put one where a folder was, and rsync,
 * which is not in the container, would follow a listed path out of it.
 */
export async function plainPaths(folder: string, paths: readonly string[]): Promise<string[]> {
  const real = await realpath(folder);
  const plain: string[] = [];
  for (const path of paths) {
    const target = await realpath(absolutePath(folder, path), { encoding: 'buffer' }).catch(() => undefined);
    if (target?.equals(absolutePath(real, path))) plain.push(path);
  }
  return plain;
}
