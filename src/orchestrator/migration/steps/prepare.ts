// The destination gets ready: images, directories, a network namespace that is locked from its first moment.
import { abortAt } from '../abort-at.ts';
import type { Step } from '../step.ts';

export const prepare: Step = {
  name: 'prepare',
  title: 'prepare the destination',
  async run(run) {
    const [from, to] = [run.from.metadata.name, run.to.metadata.name];
    const facts = run.facts!;
    for (const digest of new Set(Object.values(facts.images))) {
      const { present } = await run.rpc.call(to, 'image.describe', { digest });
      if (!present) await run.rpc.callLong(from, 'image.send', { digest, to, migration: run.id });
    }
    await run.rpc.callLong(to, 'migration.prepare', {
      migration: run.id,
      strategy: run.strategy,
      from,
      facts,
      leaseMs: run.leaseMs,
    });
    return undefined;
  },
  async undo(run, reason) {
    run.endingAtDestination = (await abortAt(run, run.to.metadata.name, reason)) ?? run.endingAtDestination!;
  },
};
