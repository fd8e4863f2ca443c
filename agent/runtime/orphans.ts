// Removes what an agent left behind that was killed while it removed an application.
import { relative } from 'node:path';
import { mountPoints } from '../../src/core/mount-points.ts';
import { unmountOverlay } from './overlay.ts';
import type { ApplicationDependencies } from './supervised-application.ts';

/**
 * Containers, mounts and networks of applications that are not `known`. What cannot be removed is logged, and left for
 * `cmig host doctor` to tell of: it must keep no agent from serving.
 */
export async function removeOrphans(
  { runtime, network, context }: ApplicationDependencies,
  known: (application: string) => boolean,
): Promise<void> {
  const orphans = new Set((await network.list()).filter((name) => !known(name)));
  const attempt = async (application: string, removal: () => Promise<void>): Promise<void> => {
    orphans.add(application);
    await removal().catch((error) =>
      context.log.error({ err: error, application }, 'what an application left behind cannot be removed'),
    );
  };
  for (const { id } of await runtime.runc.list()) {
    const [application = '', container = ''] = id.split('.');
    if (known(application)) continue;
    await attempt(application, async () => {
      // An agent that was killed while criu dumped leaves processes that stand still: runc cannot end those.
      await runtime.killDumped(application, container);
      await runtime.forget(application, container);
    });
  }
  for (const mountPoint of (await mountPoints()).reverse()) {
    const below = relative(context.paths.applicationsDirectory, mountPoint);
    const [application = ''] = below.split('/');
    if (!below || below.startsWith('..') || known(application)) continue;
    await attempt(application, () => unmountOverlay(mountPoint));
  }
  for (const name of orphans) {
    context.log.warn({ application: name }, 'what an application left behind was removed');
    await attempt(name, () => network.destroy(name));
  }
}
