// Every file of a root file system with what makes it what it is, so that two looks at it can be compared.
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What a running system has of its own, its logs, and what its tools remember of a mirror, of their work and of the last state. */
const passing =
  /^(proc|sys|dev|run|tmp|var\/log|var\/cache|var\/lib\/apt\/lists|var\/lib\/dpkg\/([a-z]+-old|statoverride)|etc\/(passwd|group|g?shadow)-)$/;

/** Path below `root`: type and mode, owner, and the digest or target. */
export async function filesOf(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    if (passing.test(path)) return;
    const full = join(root, path);
    const stats = await lstat(full);
    const kind = stats.isDirectory() ? 'd' : stats.isSymbolicLink() ? 'l' : stats.isFile() ? 'f' : 'o';
    const what =
      kind === 'f'
        ? createHash('sha256')
            .update(await readFile(full))
            .digest('hex')
        : kind === 'l'
          ? await readlink(full)
          : '';
    if (path)
      found.set(path, `${kind}${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid} ${what}`);
    if (kind === 'd') for (const name of await readdir(full)) await visit(join(path, name));
  };
  await visit('');
  return found;
}

/** What came, went or changed, a line each: a test framework would take minutes to say it of ten thousand files. */
export function differences(before: Map<string, string>, after: Map<string, string>): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `${path}: ${before.get(path) ?? 'nothing'} -> ${after.get(path) ?? 'nothing'}`);
}
