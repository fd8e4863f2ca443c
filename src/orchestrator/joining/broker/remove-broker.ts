// Takes the broker off a machine again: RabbitMQ with all that it holds, and what came with it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseIdentity } from '../../../contract/identity.ts';
import { CmigError } from '../../../core/errors.ts';
import type { OnProgress } from '../../../core/progress.ts';
import { projectFolder } from '../../../core/project-folder.ts';
import { removalArguments } from '../packages.ts';
import { runSteps } from '../run-steps.ts';
import type { SshSession } from '../ssh-session.ts';
import { lookAtBroker } from './install-broker.ts';

/** @throws CmigError `conflict` where it is not ours, or agents are connected; `not-found` where there is none */
export async function removeBroker(
  session: SshSession,
  { onProgress, signal, inUse }: { onProgress: OnProgress; signal: AbortSignal; inUse: boolean },
): Promise<void> {
  const facts = await lookAtBroker(session);
  if (!facts.isAdded)
    throw facts.rabbitmq === undefined
      ? new CmigError('not-found', 'the machine has no broker')
      : new CmigError('conflict', 'the RabbitMQ of this machine was not set up by "cmig broker install"');
  if (facts.state && !inUse) {
    const { stdout } = await session.run('rabbitmqctl -q list_connections --no-table-headers user');
    const hosts = stdout.split('\n').filter((user) => parseIdentity(user.trim())?.role === 'host');
    if (hosts.length > 0)
      throw new CmigError('conflict', `the broker is in use: ${[...new Set(hosts)].sort().join(', ')}`, {
        hint: 'remove these hosts first (cmig host remove), or give --in-use: their applications run on, and nobody reaches them',
      });
  }
  const script = await readFile(join(projectFolder(), 'scripts/broker/undo.sh'), 'utf8');
  await runSteps(
    [
      {
        step: 'undo',
        title: 'what was put there',
        run: async () => void (await session.run(script, { args: removalArguments(facts, 'host') })),
      },
    ],
    { onProgress, signal },
  );
}
