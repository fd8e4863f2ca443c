// Files go ahead while the application runs, so that little is left for the pause.
import { abortAt } from '../abort-at.ts';
import type { Step } from '../step.ts';

export const presync: Step = {
  name: 'presync',
  title: 'send files ahead',
  async run(run) {
    const { bytes, rounds } = await run.rpc.callLong(run.from.metadata.name, 'migration.presync', {
      migration: run.id,
      strategy: run.strategy,
      application: run.application.metadata.name,
      to: run.to.metadata.name,
      leaseMs: run.leaseMs,
    });
    run.bytes.presync = bytes;
    return rounds > 1 ? `${rounds} rounds` : undefined;
  },
  // Also thaws: the source's agent knows how far it came. The source is undone before the destination, which may be
  // the one that does not answer.
  async undo(run, reason) {
    run.ending = (await abortAt(run, run.from.metadata.name, reason)) ?? run.ending!;
  },
};
