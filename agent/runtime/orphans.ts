// Removes what an agent left behind that was killed while it removed an application.
import { relative } from 'node:path';
import { mountPoints } from '../../src/core/mount-points.ts';
import { unmountOverlay } from './overlay.ts';
import type { ApplicationDependencies } from './supervised-application.ts';

/** Containers, mounts and networks of applications that are not `known`. */
export async function removeOrphans(
  { runtime, network, context }: ApplicationDependencies,
  known: (application: string) => boolean,
): Promise<void> {
  const orphans = new Set((await network.list()).filter((name) => !known(name)));
  for (const { id } of await runtime.runc.list()) {
    const [application = '', container = ''] = id.split('.');
    if (known(application)) continue;
    orphans.add(application);
    await runtime.forget(application, container);
  }
  for (const mountPoint of (await mountPoints()).reverse()) {
    const below = relative(context.paths.applicationsDirectory, mountPoint);
    const [application = ''] = below.split('/');
    if (!below || below.startsWith('..') || known(application)) continue;
    orphans.add(application);
    await unmountOverlay(mountPoint);
  }
  for (const name of orphans) {
    context.log.warn({ application: name }, 'what an application left behind was removed');
    await network.destroy(name);
  }
}
