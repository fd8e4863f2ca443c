// Has the broker hear of a certificate that was made, or of somebody who was removed; or says how it is to be told.

import type { Authority } from '../authority/authority.ts';
import type { Identity } from '../contract/identity.ts';
import { identityText } from '../contract/identity.ts';
import { CmigError } from '../core/errors.ts';
import { tellBroker } from '../orchestrator/joining/broker/known-broker.ts';
import type { Invocation } from './command.ts';

/** Of somebody who has a certificate now. Does not throw. @param say where a person reads it */
export async function tellOfCertificate(
  invocation: Invocation,
  authority: Authority,
  say = (line: string): void => invocation.notice(line),
): Promise<void> {
  await told(
    { signal: invocation.signal, say },
    authority,
    'the broker must know of it: cmig broker definitions | rabbitmqctl import_definitions (there)',
  );
}

/** Of somebody whom the authority has forgotten; the certificate stays valid, and is of no use without its user. Does not throw. */
export async function tellOfRemoval(
  invocation: Invocation,
  authority: Authority | undefined,
  identity: Identity,
): Promise<void> {
  const user = identityText(identity);
  await told(
    { signal: invocation.signal, say: (line) => invocation.notice(line) },
    authority,
    `keep the certificate of ${user} out, on the broker: rabbitmqctl delete_user ${user}`,
  );
}

/** Where it cannot be told from here, `how` is said. */
async function told(
  { signal, say }: { signal: AbortSignal; say: (line: string) => void },
  authority: Authority | undefined,
  how: string,
): Promise<void> {
  try {
    if (authority && (await tellBroker(authority.directory, await authority.identities(), signal))) return;
  } catch (error) {
    if (!(error instanceof CmigError)) throw error;
    say(`warning: the broker could not be told: ${error.message}`);
  }
  say(how);
}
