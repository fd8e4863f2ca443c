// The lock goes on and all containers are dumped, in parallel, and held.
import type { Step } from '../step.ts';

export const freeze: Step = {
  name: 'freeze',
  title: 'freeze and dump',
  async run(run) {
    // One request for freeze and transfer: each more would be a round trip inside the pause.
    run.freezing = run.rpc.callLong(run.from.metadata.name, 'migration.freeze', { migration: run.id });
    run.freezing.catch(() => {});
    await Promise.race([run.news.seen('migration.frozen'), run.freezing]);
    return undefined;
  },
};
