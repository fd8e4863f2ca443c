// Keeps two orchestrators off one application: an exclusive queue, which goes with the connection of its owner.
import type { Channel } from 'amqplib';
import { applicationLockQueue } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';
import { connectionLost } from './connect-error.ts';
import type { BrokerConnection } from './connection.ts';

export interface Mutex {
  /** Does not throw. */
  release(): Promise<void>;
  /** Settles when it has gone though it was not released: the connection was lost. */
  readonly lost: Promise<void>;
}

const answerWithinMs = 5000;
const replyQueue = 'amq.rabbitmq.reply-to';

/** For RabbitMQ one connection may declare its exclusive queue twice; for us it is two owners. */
const heldByConnection = new WeakMap<BrokerConnection, Set<string>>();

/**
 * Takes the mutex of `application`; `holder`, such as "user@machine: migrate shop host-b", is told to who comes second.
 * @throws CmigError `conflict` that says who holds it
 */
export async function acquireMutex(
  connection: BrokerConnection,
  application: string,
  holder: string,
): Promise<Mutex> {
  const queue = applicationLockQueue(application);
  const held = heldByConnection.get(connection) ?? new Set<string>();
  heldByConnection.set(connection, held);
  if (held.has(queue)) throw inUse(application, await askHolder(connection, queue));
  // At once, so that a second caller of the same connection finds it while the broker is still asked.
  held.add(queue);
  let channel: Channel;
  try {
    channel = await connection.channel({ quiet: true });
    await channel.assertQueue(queue, { exclusive: true, durable: false, autoDelete: false });
  } catch (error) {
    held.delete(queue);
    if (/ACCESS_REFUSED/.test(String(error)))
      throw new CmigError('forbidden', `${connection.user} may not work on application "${application}"`, {
        hint: 'it takes the role operator; an admin can give it: cmig operator add NAME --role operator',
        cause: error,
      });
    if (!/RESOURCE_LOCKED|405/.test(String(error)))
      throw connection.connected ? error : connectionLost(connection.endpoint, error);
    throw inUse(application, await askHolder(connection, queue));
  }
  let released = false;
  const lost = new Promise<void>((resolve) => {
    channel.on('close', () => {
      held.delete(queue);
      if (!released) resolve();
    });
  });
  await answerWho(channel, queue, holder);
  return {
    lost,
    async release() {
      if (released) return;
      released = true;
      held.delete(queue);
      await channel.deleteQueue(queue).catch(() => {});
      await channel.close().catch(() => {});
    },
  };
}

/** Others may not read an exclusive queue, but they may send to it. */
async function answerWho(channel: Channel, queue: string, holder: string): Promise<void> {
  await channel.consume(
    queue,
    (message) => {
      const replyTo = message?.properties.replyTo;
      if (typeof replyTo !== 'string' || !replyTo.startsWith(`${replyQueue}.`)) return;
      channel.publish('', replyTo, Buffer.from(holder));
    },
    { noAck: true },
  );
}

async function askHolder(connection: BrokerConnection, queue: string): Promise<string | undefined> {
  const channel = await connection.channel();
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = new Promise<string | undefined>((resolve) => {
      timer = setTimeout(resolve, answerWithinMs, undefined);
      channel.on('return', () => resolve(undefined));
      channel
        .consume(replyQueue, (message) => resolve(message?.content.toString()), { noAck: true })
        .catch(() => {});
    });
    channel.publish('', queue, Buffer.alloc(0), { mandatory: true, replyTo: replyQueue });
    return await answer;
  } finally {
    clearTimeout(timer);
    await channel.close().catch(() => {});
  }
}

const inUse = (application: string, holder: string | undefined): CmigError =>
  new CmigError(
    'conflict',
    `application "${application}" is being worked on by ${holder ?? 'another command'}`,
    {
      hint: 'wait until that has ended, then try again',
    },
  );
