// Takes a lab down and leaves nothing of it, whatever state it is in.

import { realpath, rm, rmdir, stat } from 'node:fs/promises';
import { mountPointsBelow } from '../core/mount-points.ts';
import { runProcess } from '../core/run-process.ts';
import { signalProcesses, waitForEnd } from './end-processes.ts';
import { removeCgroup, thawCgroup } from './host-cgroups.ts';
import { removeNetwork } from './lab-network.ts';
import { LabPaths } from './lab-paths.ts';
import { checkLabName, defaultLabName, labCgroup } from './lab-plan.ts';
import { checkRoot } from './lab-requirements.ts';
import { lockLab } from './lab-up.ts';
import { findLabProcesses } from './process-table.ts';
import { type OnProgress, reported } from './progress.ts';

/**
 * Ends all processes of the lab and removes its links, cgroups and files. What is the lab's is told by marks on
 * processes and links, so that it also works when the lab's folder is damaged or lost.
 * @returns whether there was anything to remove
 */
export async function labDown(
  options: { name?: string; onProgress?: OnProgress } = {},
): Promise<{ existed: boolean }> {
  const name = checkLabName(options.name ?? defaultLabName);
  checkRoot();
  const onProgress = options.onProgress ?? (() => {});
  const lock = await lockLab(name, onProgress);
  try {
    const paths = new LabPaths(name);
    const folder = await stat(paths.directory).catch(() => undefined);
    const found = await endProcesses(name, onProgress);
    await reported(onProgress, 'network', 'network', () => removeNetwork(name), ['stopping', 'stopped']);
    await removeCgroup(labCgroup(name));
    await unmountBelow(paths.directory);
    await rm(paths.directory, { recursive: true, force: true, maxRetries: 3 });
    await rmdir(LabPaths.parent).catch(() => {});
    return { existed: folder !== undefined || found };
  } finally {
    await lock.release();
  }
}

/** Whatever somebody has mounted on a host's disk, say: what is to be removed is the lab's, and not what shows there. */
async function unmountBelow(folder: string): Promise<void> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined) return;
  for (const mountPoint of await mountPointsBelow(real)) await runProcess('umount', ['-l', mountPoint]);
}

/** A killed `up` may have left a process that was just about to start another one: so look until there is none. */
async function endProcesses(lab: string, onProgress: OnProgress): Promise<boolean> {
  let found = false;
  for (;;) {
    const processes = await findLabProcesses(lab);
    if (processes.length === 0) return found;
    found = true;
    // With its first process everything on a machine ends.
    const machines = processes.filter(({ init }) => init);
    for (const { machine } of machines)
      onProgress({ part: partOf(machine), name: machine, state: 'stopping' });
    const dying = await signalProcesses([...machines, ...processes.filter(({ init }) => !init)]);
    await thawCgroup(labCgroup(lab));
    await waitForEnd(dying);
    for (const { machine } of machines)
      onProgress({ part: partOf(machine), name: machine, state: 'stopped' });
  }
}

const partOf = (machine: string) => (machine === 'broker' ? 'broker' : 'host');
