// A btrfs of its own in a file, mounted by a loop device that goes with it: for what shares blocks.
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../../../../src/core/run-process.ts';

const prefix = join(tmpdir(), 'cmig-btrfs-');
/** The least that mkfs.btrfs takes is 109 MB; the file is sparse. */
const sizeBytes = 400 * 2 ** 20;

export interface BtrfsMount {
  folder: string;
  /** The bytes of files' contents that are taken on it. */
  usedBytes(): Promise<number>;
  unmount(): Promise<void>;
}

/** @returns why there is none, where this machine has no loop device, its kernel no btrfs, or nobody mkfs.btrfs */
export async function mountBtrfs(): Promise<BtrfsMount | string> {
  await clearLeft();
  const own = `${prefix}${process.pid}`;
  const folder = join(own, 'mount');
  await mkdir(folder, { recursive: true });
  const image = join(own, 'image');
  await writeFile(image, '');
  await truncate(image, sizeBytes);
  try {
    await runProcess('mkfs.btrfs', ['--quiet', image]);
    await runProcess('mount', ['-o', 'loop', image, folder]);
  } catch (error) {
    await rm(own, { recursive: true });
    return (error as Error).message;
  }
  return {
    folder,
    async usedBytes() {
      await runProcess('sync', ['--file-system', folder]);
      const { stdout } = await runProcess('btrfs', ['filesystem', 'df', '--raw', folder]);
      return Number(/^Data, .*used=(\d+)$/m.exec(stdout)?.[1]);
    },
    unmount: () => remove(own),
  };
}

/** Of a run that was killed. */
async function clearLeft(): Promise<void> {
  const mounts = await readFile('/proc/mounts', 'utf8');
  for (const [, folder = ''] of mounts.matchAll(/^\S+ (\S+)\/mount btrfs /gm)) {
    if (!folder.startsWith(prefix)) continue;
    const isAlive = await readFile(`/proc/${folder.slice(prefix.length)}/stat`).catch(() => undefined);
    if (!isAlive) await remove(folder);
  }
}

/** The loop device goes with its mount. */
async function remove(own: string): Promise<void> {
  await runProcess('umount', [join(own, 'mount')]);
  await rm(own, { recursive: true });
}
