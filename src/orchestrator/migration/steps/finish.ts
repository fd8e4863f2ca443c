// The source lets its frozen processes end and removes what it had of the application.
import type { Step } from '../step.ts';

/** The commit stands whether or not the source answers; it ends the rest by itself. */
const patienceMs = 60_000;

export const finish: Step = {
  name: 'finish',
  title: 'clean up the source',
  async run(run) {
    run.ending = await run.rpc.callLong(
      run.from.metadata.name,
      'migration.finish',
      { migration: run.id },
      { timeoutMs: patienceMs },
    );
    return undefined;
  },
};
