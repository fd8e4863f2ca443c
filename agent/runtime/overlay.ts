// A container's root file system: an overlay of its image, which never changes, and an upper layer of its own.
import { mkdir } from 'node:fs/promises';
import { CmigError } from '../../src/core/errors.ts';
import { mountPoints } from '../../src/core/mount-points.ts';
import { runProcess } from '../../src/core/run-process.ts';

export interface OverlayLayers {
  lower: string;
  upper: string;
  /** Of the file system of `upper`; overlayfs's own. */
  work: string;
  mountPoint: string;
}

// What overlayfs would note in the upper layer to find the lower one again does not hold on another host.
const portable = ['index=off', 'xino=off', 'metacopy=off', 'redirect_dir=off'];

/** Mounts it unless it is mounted. @throws CmigError `tool-failed` */
export async function mountOverlay(layers: OverlayLayers): Promise<void> {
  if (await isMounted(layers.mountPoint)) return;
  for (const path of [layers.lower, layers.upper, layers.work])
    if (/[,:\\]/.test(path))
      throw new CmigError('unsupported', `overlayfs cannot use the path ${path}`, {
        hint: 'choose a data directory without comma, colon and backslash',
      });
  for (const folder of [layers.upper, layers.work, layers.mountPoint])
    await mkdir(folder, { recursive: true });
  const options = [
    `lowerdir=${layers.lower}`,
    `upperdir=${layers.upper}`,
    `workdir=${layers.work}`,
    ...portable,
  ];
  await runProcess('mount', ['-t', 'overlay', 'overlay', '-o', options.join(','), layers.mountPoint]);
}

/** Unmounts it if it is mounted; lazily, so that a straggler of a dead container does not keep it. */
export async function unmountOverlay(mountPoint: string): Promise<void> {
  while (await isMounted(mountPoint)) await runProcess('umount', ['-l', mountPoint]);
}

/** Is something mounted exactly there, in this process's mount namespace? */
export async function isMounted(mountPoint: string): Promise<boolean> {
  return (await mountPoints()).includes(mountPoint);
}
