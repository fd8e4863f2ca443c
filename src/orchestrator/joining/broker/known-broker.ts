// The broker that "cmig broker install" has set up, as the authority remembers it: so that it hears of each new certificate.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokerDefinitions } from '../../../broker/broker-definitions.ts';
import type { Identity } from '../../../contract/identity.ts';
import { CmigError } from '../../../core/errors.ts';
import type { SshAddress } from '../ssh-address.ts';
import { SshSession } from '../ssh-session.ts';
import { tellUsers } from './broker-actions.ts';
import type { BrokerState } from './broker-facts.ts';
import { planUsers } from './broker-plan.ts';
import { lookAtBroker } from './install-broker.ts';

/** How it is reached by SSH, and by which key. */
export interface KnownBroker {
  where: SshAddress;
  hostKey: string;
  identity?: string;
  vhost: string;
}

const fileIn = (authority: string): string => join(authority, 'broker.json');

export async function rememberBroker(authority: string, broker: KnownBroker): Promise<void> {
  await writeFile(`${fileIn(authority)}.new`, JSON.stringify(broker), { mode: 0o600 });
  await rename(`${fileIn(authority)}.new`, fileIn(authority));
}

export const forgetBroker = (authority: string): Promise<void> => rm(fileIn(authority), { force: true });

async function knownBroker(authority: string): Promise<KnownBroker | undefined> {
  const text = await readFile(fileIn(authority), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as KnownBroker);
}

/**
 * Brings its users and permissions in order with the certificates of the authority in this folder.
 * @returns false where that knows of no broker. @throws CmigError as SshSession.open()
 */
export async function tellBroker(
  authority: string,
  identities: readonly Identity[],
  signal: AbortSignal,
): Promise<boolean> {
  const broker = await knownBroker(authority);
  if (!broker) return false;
  const session = await SshSession.open({ ...broker, identity: broker.identity, interactive: false, signal });
  try {
    const { isAdded, state } = await lookAtBroker(session);
    if (!isAdded || !state)
      throw new CmigError('unreachable', 'RabbitMQ does not run where "cmig broker install" has set it up', {
        hint: 'run that again',
      });
    const definitions = brokerDefinitions(identities, broker.vhost) as BrokerState;
    const { changes, leaving } = planUsers(state, definitions);
    if (changes.length > 0) await tellUsers(session, definitions, leaving);
    return true;
  } finally {
    await session.close();
  }
}
