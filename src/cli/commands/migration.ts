// `cmig migration resolve`.
import { createInterface } from 'node:readline/promises';
import type { Migration } from '../../contract/migration.ts';
import { CmigError } from '../../core/errors.ts';
import {
  planResolution,
  type ResolutionPlan,
  resolveMigration,
} from '../../orchestrator/migration/resolve.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function resolve(invocation: Invocation): Promise<void> {
  const id = invocation.required('ID');
  const to = invocation.required('to') === 'source' ? 'source' : 'destination';
  const migration = await withOrchestrator(
    invocation,
    async (session) => {
      const plan = await planResolution(session, id, to);
      const confirmed = invocation.flag('yes') || (plan.givesUp && (await isConfirmed(invocation, plan)));
      return await resolveMigration(session, plan, { to, confirmed });
    },
    { reconnect: true },
  );
  if (invocation.output === 'json') return invocation.printJson(migration);
  invocation.print(resultText(migration));
}

/** Typed, since it cannot be taken back. @throws CmigError `conflict` where nobody can be asked, `cancelled` */
async function isConfirmed(invocation: Invocation, { migration, host }: ResolutionPlan): Promise<boolean> {
  const { application, to } = migration.spec;
  const warning = `this gives up the frozen copy of ${application} on ${host}, and ${to} does not answer whether it has one`;
  if (!invocation.attended) {
    throw new CmigError('conflict', warning, { hint: `say --yes if ${to} is known to run ${application}` });
  }
  const question = createInterface({ input: invocation.stdin, output: invocation.stderr });
  try {
    const typed = await question.question(`${warning}.\nType the application's name to go on: `, {
      signal: invocation.signal,
    });
    if (typed.trim() === application) return true;
  } finally {
    question.close();
  }
  throw new CmigError('cancelled', 'nothing was changed');
}

function resultText({ spec, status }: Migration): string {
  const { application, from, to } = spec;
  if (status.outcome === 'rolled-back') return `${application} runs on ${from} again`;
  if (status.role === 'destination') return `${application} is being opened on ${to}`;
  return `${from} has let go of ${application}: it belongs to ${to}`;
}
