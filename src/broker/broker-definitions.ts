// What RabbitMQ must know of an installation: its users and how little each of them may do, in RabbitMQ's own form.
import { type Identity, identityText } from '../contract/identity.ts';
import { agentQueue, applicationLockQueue, eventExchange, eventStream } from '../contract/protocol.ts';
import { streamArguments } from './event-stream.ts';
import { agentsQueue, sessionQueue } from './topology.ts';

/** Patterns of RabbitMQ match anywhere: these match the whole name. */
const only = (...patterns: string[]): string => `^(${patterns.join('|')})$`;
const literal = (name: string): string => name.replaceAll('.', '\\.');
/** Names that the broker makes up, for queues of one connection's own. */
const ownQueues = 'amq\\.gen-.*';

/**
 * Configure, write and read, for one virtual host. Everybody may write to the default exchange, since requests and their
 * answers take it: who may ask for what is therefore for agents to say, and who may answer for whom for those who asked.
 */
function permissionsOf({ role, name }: Identity): { configure: string; write: string; read: string } {
  const write = only('amq\\.default', ownQueues);
  if (role === 'host') {
    const queues = [literal(agentQueue(name)), literal(agentsQueue), ownQueues];
    return {
      configure: only(...queues),
      write: only('amq\\.default', ownQueues, literal(eventExchange)),
      read: only(...queues, literal(eventExchange), literal(eventStream)),
    };
  }
  const queues = [ownQueues, `${literal(sessionQueue(''))}.*`];
  // The mutex of an application, which who only looks does not need.
  if (role !== 'viewer') queues.push(`${literal(applicationLockQueue(''))}.*`);
  return {
    // Who removes a host takes its queue away.
    configure: only(...queues, ...(role === 'admin' ? [`${literal(agentQueue(''))}.*`] : [])),
    write,
    read: only(...queues, literal(eventExchange), literal(eventStream)),
  };
}

/** Whom the broker must know, lest an earlier permission stay. */
const nothing = { configure: '^$', write: '^$', read: '^$' };

/** A host's events end with its name: `log.application.started.host-a`. */
const eventsOf = (host: string): string => `^(log|stat)\\.[a-z.-]+\\.${host}$`;

/**
 * To be taken in by `rabbitmqctl import_definitions`, or at the start by `load_definitions`. Users have no password: they
 * come by certificate, or not at all.
 */
export function brokerDefinitions(
  identities: readonly Identity[],
  vhost = 'cmig',
  revoked: readonly Identity[] = [],
): object {
  const good = identities.filter(({ role }) => role !== 'broker');
  const users = [...good, ...revoked];
  return {
    vhosts: [{ name: vhost }],
    users: users.map((each) => ({
      name: identityText(each),
      password_hash: '',
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: [],
    })),
    permissions: users.map((each) => ({
      ...{ user: identityText(each), vhost },
      ...(good.includes(each) ? permissionsOf(each) : nothing),
    })),
    topic_permissions: users
      .filter(({ role }) => role === 'host')
      .map((each) => ({
        ...{ user: identityText(each), vhost, exchange: eventExchange },
        ...{ write: eventsOf(each.name), read: '.*' },
      })),
    exchanges: [
      {
        ...{ name: eventExchange, vhost, type: 'topic' },
        ...{ durable: true, auto_delete: false, internal: false, arguments: {} },
      },
    ],
    queues: [{ name: eventStream, vhost, durable: true, auto_delete: false, arguments: streamArguments }],
    bindings: [
      {
        ...{ source: eventExchange, vhost, destination: eventStream, destination_type: 'queue' },
        ...{ routing_key: 'log.#', arguments: {} },
      },
    ],
  };
}
