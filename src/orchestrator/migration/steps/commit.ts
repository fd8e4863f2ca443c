// The one commit point, at the destination and by the source's permit: here the orchestrator only hears of it.
import type { Step } from '../step.ts';

export const commit: Step = {
  name: 'commit',
  title: 'commit',
  async run(run) {
    const result = await run.restoring!;
    for (const [phase, milliseconds] of Object.entries(result.phases)) run.phases[phase] = milliseconds;
    return undefined;
  },
};
