// Memory images and the last changes of files reach the destination; the source does it on its own.
import type { Step } from '../step.ts';

export const transfer: Step = {
  name: 'transfer',
  title: 'send memory and last changes',
  async run(run) {
    const result = await run.freezing!;
    Object.assign(run.phases, result.phases);
    run.bytes = result.bytes;
    run.connections = result.connections;
    return undefined;
  },
};
