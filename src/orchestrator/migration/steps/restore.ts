// All containers are restored at the destination, in parallel, and held, still stopped.
import type { Step } from '../step.ts';

export const restore: Step = {
  name: 'restore',
  title: 'restore and hold',
  async run(run) {
    // One request for restore and commit: the destination asks the source's permit itself.
    run.restoring = run.rpc.callLong(run.to.metadata.name, 'migration.restore', { migration: run.id });
    run.restoring.catch(() => {});
    await Promise.race([run.news.seen('migration.restored'), run.restoring]);
    return undefined;
  },
};
