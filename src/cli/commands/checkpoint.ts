// `cmig checkpoint`.
import { takeCheckpoint } from '../../orchestrator/checkpoints.ts';
import { checkpointText } from '../../view/checkpoint-text.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<void> {
  const stop = invocation.flag('stop');
  const checkpoint = await withOrchestrator(
    invocation,
    (session) =>
      takeCheckpoint(session, invocation.required('APP'), {
        name: invocation.text('name'),
        stop,
        signal: invocation.signal,
      }),
    { reconnect: true },
  );
  if (invocation.output === 'json') return invocation.printJson(checkpoint);
  if (invocation.output === 'name') return invocation.print(`checkpoint/${checkpoint.metadata.name}`);
  invocation.print(checkpointText(checkpoint, stop));
}
