// The stream that keeps the recent past of events: declared so that nobody publishes into it before it is ready.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import { eventExchange, eventStream } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';
import type { BrokerConnection } from './connection.ts';
import { declareEventExchange } from './topology.ts';

/** Bounded by size and age; whole segments are dropped, so they are small. */
export const streamArguments = {
  'x-queue-type': 'stream',
  'x-max-length-bytes': 64 * 1024 * 1024,
  'x-max-age': '7D',
  'x-stream-max-segment-size-bytes': 4 * 1024 * 1024,
};

/** Exclusive: who has it declares, the others wait. */
const turnQueue = 'cmig.events.declaring';
const turns = new WeakMap<BrokerConnection, Promise<void>>();
const againMs = 50;
const patienceMs = 10_000;

/**
 * Declares exchange and stream, one after the other among all processes: of two who declare a stream at once RabbitMQ
 * (3.10) answers the second before the stream is ready, and whoever then publishes loses the whole connection. After a
 * restart of the broker it waits until the stream is there again: until then RabbitMQ confirms events and drops them.
 * @throws CmigError `unreachable` where the connection goes; `unsupported` where this broker does not keep events
 */
export async function declareEventStream(connection: BrokerConnection): Promise<void> {
  const before = turns.get(connection) ?? Promise.resolve();
  const turn = before.catch(() => {}).then(() => declareInTurn(connection));
  turns.set(connection, turn);
  return turn;
}

async function declareInTurn(connection: BrokerConnection): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    // An error ends the channel: each attempt has its own.
    const channel = await connection.channel({ quiet: true });
    try {
      if (connection.user === undefined) await declareAll(connection, channel);
      else await channel.checkQueue(eventStream);
      await channel.close();
      return;
    } catch (cause) {
      await channel.close().catch(() => {});
      const code = (cause as { code?: unknown }).code;
      // 405: another one declares. 404: the stream has not yet come back after a restart. It never does where the broker
      // was killed in the second in which it was first declared (seen with 3.10), and then cannot be deleted either.
      const waits = code === 404 || code === 405 || code === undefined;
      if (!waits || performance.now() > end) {
        if (connection.user === undefined) await giveTurnBack(connection);
        throw new CmigError('unsupported', 'this broker does not keep events', {
          hint: `RabbitMQ 3.9 or newer is needed; see its log for the queue ${eventStream}`,
          cause,
        });
      }
    }
    await sleep(againMs);
  }
}

async function declareAll(connection: BrokerConnection, channel: Channel): Promise<void> {
  await channel.assertQueue(turnQueue, { exclusive: true, durable: false });
  await declareEventExchange(connection, channel);
  await channel.assertQueue(eventStream, { durable: true, arguments: streamArguments });
  await channel.bindQueue(eventStream, eventExchange, 'log.#');
  await channel.deleteQueue(turnQueue);
}

async function giveTurnBack(connection: BrokerConnection): Promise<void> {
  const channel = await connection.channel({ quiet: true });
  await channel.deleteQueue(turnQueue).catch(() => {}); // another one may have it
  await channel.close().catch(() => {});
}
