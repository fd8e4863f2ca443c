// Who has sent a message, by the word of the broker: the user of the connection on which it came, and nothing that it says.
import type { Message } from 'amqplib';
import { refusalOf } from '../contract/access.ts';
import { type Identity, identityText, parseIdentity } from '../contract/identity.ts';
import { CmigError } from '../core/errors.ts';
import type { CheckedRequest } from './codec.ts';
import type { BrokerConnection } from './connection.ts';
import { anyHost } from './topology.ts';

type Connection = Pick<BrokerConnection, 'user'>;
type Properties = Pick<Message['properties'], 'userId'>;

/** Whether `host` has sent it, or any host for `*`. Without certificates nobody can tell, and it is believed. */
export function isFromHost({ user }: Connection, { userId }: Properties, host: string): boolean {
  if (user === undefined) return true;
  return host === anyHost
    ? parseIdentity(userId)?.role === 'host'
    : userId === identityText({ role: 'host', name: host });
}

/**
 * Who asks; undefined without certificates, where everybody may do everything.
 * @throws CmigError `forbidden` that says who, and what it would take
 */
export function authorize(
  { user }: Connection,
  { userId }: Properties,
  { method, caller }: Pick<CheckedRequest, 'method' | 'caller'>,
): Identity | undefined {
  if (user === undefined) return undefined;
  const identity = parseIdentity(userId);
  if (!identity)
    throw new CmigError('forbidden', `${method} was asked for by nobody whom the broker vouches for`, {
      hint: 'are cmig and all agents of the same version? (cmig version)',
    });
  // What people read in logs and locks shall be true as well.
  if (caller !== userId && !caller.startsWith(`${userId}@`))
    throw new CmigError(
      'forbidden',
      `${userId} asks for ${method} in the name of ${JSON.stringify(caller.slice(0, 80))}`,
    );
  const refusal = refusalOf(identity, method);
  if (refusal === undefined) return identity;
  throw new CmigError('forbidden', `${userId} may not ask for ${method}, ${refusal}`, {
    hint: 'an admin can give another role: cmig operator add NAME --role …',
  });
}
