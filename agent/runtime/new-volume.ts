// A volume that is new: with what the image has at its place, as Docker does, and for the container's user to write.
import { chown, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';

export interface NewVolume {
  /** Where it shall stand. */
  path: string;
  /** The container's root file system, which is its image's as long as it has not run. */
  rootfs: string;
  /** In the container. */
  mountPath: string;
  owner: { uid: number; gid: number };
}

const copyMs = 600_000;

/** Containers that start side by side may share one. */
const underWay = new Map<string, Promise<void>>();

/** Makes the volume unless it is there; whoever is interrupted leaves none, or all of it. */
export async function makeVolume(volume: NewVolume): Promise<void> {
  const { path } = volume;
  const making = underWay.get(path) ?? make(volume).finally(() => underWay.delete(path));
  underWay.set(path, making);
  await making;
}

async function make({ path, rootfs, mountPath, owner }: NewVolume): Promise<void> {
  if (await exists(path)) return;
  const made = join(dirname(path), `.new-${basename(path)}`);
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { recursive: true });
  const source = await folderIn(rootfs, mountPath);
  if (source !== undefined)
    await runProcess('cp', ['-a', '--reflink=auto', '-T', '--', source, made], { timeoutMs: copyMs });
  const { uid, gid } = await stat(made);
  // What the image gives to somebody stays theirs.
  if (uid === 0 && gid === 0) await chown(made, owner.uid, owner.gid);
  await rename(made, path);
}

/** A folder of an image, or undefined where it has none there; links are not followed, which could lead out of it. */
async function folderIn(rootfs: string, path: string): Promise<string | undefined> {
  let folder = rootfs;
  for (const name of path.split('/').filter(Boolean)) {
    folder = join(folder, name);
    const entry = await lstat(folder).catch(() => undefined);
    if (!entry?.isDirectory()) return undefined;
  }
  return folder;
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
