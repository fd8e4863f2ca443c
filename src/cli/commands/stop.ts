// `cmig stop`.
import { stopApplication } from '../../orchestrator/stopping.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<void> {
  const name = invocation.required('APP');
  const application = await withOrchestrator(invocation, (session) =>
    stopApplication(session, name, { timeoutMs: invocation.durationMs('timeout') }),
  );
  if (invocation.output === 'json') return invocation.printJson(application);
  invocation.print(`application/${name} stopped`);
}
