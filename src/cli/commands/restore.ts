// `cmig restore`.
import { restoreApplication } from '../../orchestrator/restoring.ts';
import { restoreText } from '../../view/checkpoint-text.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<void> {
  const result = await withOrchestrator(
    invocation,
    (session) =>
      restoreApplication(session, {
        application: invocation.required('APP'),
        checkpoint: invocation.required('checkpoint'),
        discardCurrent: invocation.flag('discard-current'),
      }),
    { reconnect: true },
  );
  if (invocation.output === 'json') return invocation.printJson(result);
  invocation.print(restoreText(result));
}
