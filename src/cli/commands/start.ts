// `cmig start`.
import { startApplication } from '../../orchestrator/starting.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<void> {
  const name = invocation.required('APP');
  const application = await withOrchestrator(invocation, (session) =>
    startApplication(session, name, { timeoutMs: invocation.durationMs('timeout') }),
  );
  if (invocation.output === 'json') return invocation.printJson(application);
  invocation.print(`application/${name} started`);
}
