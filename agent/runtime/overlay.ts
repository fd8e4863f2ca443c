// A container's root file system: an overlay of its image's layers, which never change, and an upper layer of its own.
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { mountPoints } from '../../src/core/mount-points.ts';
import { runProcess } from '../../src/core/run-process.ts';

export interface OverlayLayers {
  /** The base first. */
  lower: string[];
  /** A folder for links to them. */
  links: string;
  upper: string;
  /** Of the file system of `upper`; overlayfs's own. */
  work: string;
  mountPoint: string;
  /** No program can be started from it. */
  noExec?: boolean;
}

// What overlayfs would note in the upper layer to find the lower one again does not hold on another host.
const portable = ['index=off', 'xino=off', 'metacopy=off', 'redirect_dir=off'];

/**
 * Mounts it unless it is mounted. All options of a mount fit into one page, some forty paths of layers; so each is given by
 * a link that has a number for its name, which leaves room for as many as overlayfs takes (500).
 * @throws CmigError `tool-failed`
 */
export async function mountOverlay(layers: OverlayLayers): Promise<void> {
  if (await isMounted(layers.mountPoint)) return;
  for (const path of [layers.upper, layers.work])
    if (/[,:\\]/.test(path))
      throw new CmigError('unsupported', `overlayfs cannot use the path ${path}`, {
        hint: 'choose a data directory without comma, colon and backslash',
      });
  await rm(layers.links, { recursive: true, force: true });
  for (const folder of [layers.links, layers.upper, layers.work, layers.mountPoint])
    await mkdir(folder, { recursive: true });
  for (const [number, path] of layers.lower.entries()) await symlink(path, join(layers.links, `${number}`));
  // The topmost first.
  const lower = layers.lower.map((_, number) => number).reverse();
  const options = [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${layers.upper}`,
    `workdir=${layers.work}`,
    ...portable,
    ...(layers.noExec ? ['noexec'] : []),
  ];
  const args = ['-t', 'overlay', 'overlay', '-o', options.join(','), layers.mountPoint];
  await runProcess('mount', args, { cwd: layers.links });
}

/** Unmounts it if it is mounted; lazily, so that a straggler of a dead container does not keep it. */
export async function unmountOverlay(mountPoint: string): Promise<void> {
  while (await isMounted(mountPoint)) await runProcess('umount', ['-l', mountPoint]);
}

/** Is something mounted exactly there, in this process's mount namespace? */
export async function isMounted(mountPoint: string): Promise<boolean> {
  return (await mountPoints()).includes(mountPoint);
}
