// Events over a real broker: who hears what, and what is kept.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { BrokerConnection } from '../../../src/broker/connection.ts';
import { EventPublisher, type EventSubscription, subscribeEvents } from '../../../src/broker/events.ts';
import { eventExchange } from '../../../src/contract/protocol.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';

let broker: TestBroker;
let connection: BrokerConnection;
let hostA: EventPublisher;
let hostB: EventPublisher;

beforeAll(async () => {
  broker = await startRabbitmq();
  connection = await broker.connect('test');
  hostA = new EventPublisher(connection, 'host-a');
  hostB = new EventPublisher(connection, 'host-b');
}, 120_000);

afterAll(async () => {
  await hostA?.close();
  await hostB?.close();
  await connection?.close();
  await broker?.close();
});

/** Reads until an application of the name `last` was deleted; answers with `host type`, in order. */
async function readUntil(subscription: EventSubscription, last: string): Promise<string[]> {
  const heard: string[] = [];
  for await (const { host, type, data } of subscription) {
    if (type === 'application.deleted' && data.application === last) break;
    heard.push(`${host} ${type}`);
  }
  return heard;
}

const figure = { digest: 'sha256:0', to: 'host-b', bytes: 1, bytesPerSecond: 1 };

it('brings to each what it wants, as it happens', async () => {
  const all = await subscribeEvents(connection, { stat: true });
  const kept = await subscribeEvents(connection);
  const some = await subscribeEvents(connection, {
    types: ['image.progressed', 'application.deleted'],
    hosts: ['host-b'],
  });
  await all.caughtUp;
  hostA.publish('application.started', { application: 'shop' });
  await hostA.flush(60_000); // figures are dropped until the publisher is ready
  hostA.publish('image.progressed', figure);
  hostA.publish('application.deployed', { application: 'shop', address: '192.0.2.1' });
  await hostA.flush(60_000);
  hostB.publish('image.progressed', figure);
  hostB.publish('application.deleted', { application: 'first' });
  expect(await readUntil(all, 'first')).toEqual([
    'host-a application.started',
    'host-a image.progressed',
    'host-a application.deployed',
    'host-b image.progressed',
  ]);
  expect(await readUntil(kept, 'first')).toEqual([
    'host-a application.started',
    'host-a application.deployed',
  ]);
  expect(await readUntil(some, 'first')).toEqual(['host-b image.progressed']);
});

it('brings what was kept first, then what happens', async () => {
  hostA.publish('application.stopped', { application: 'shop' });
  await hostA.flush(60_000);
  const time = new Date();
  hostB.publish('application.started', { application: 'shop' });
  await hostB.flush(60_000);

  const fromFirst = await subscribeEvents(connection, { since: 'first' });
  void fromFirst.caughtUp.then(() => {
    hostA.publish('application.stopped', { application: 'shop' });
  });
  const heard: string[] = [];
  for await (const { type } of fromFirst) {
    heard.push(type);
    if (heard.length === 6) break;
  }
  expect(heard).toEqual([
    'application.started',
    'application.deployed',
    'application.deleted',
    'application.stopped',
    'application.started',
    'application.stopped',
  ]);

  const fromTime = await subscribeEvents(connection, {
    since: time,
    types: ['application.started', 'image.progressed'],
  });
  for await (const { host } of fromTime) {
    expect(host).toBe('host-b');
    break;
  }
  const nothing = await subscribeEvents(connection, { since: new Date(), hosts: ['host-c'] });
  const reading = readUntil(nothing, 'never');
  await nothing.caughtUp;
  await nothing.close();
  expect(await reading).toEqual([]);
});

it('passes over what is no event', async () => {
  const subscription = await subscribeEvents(connection);
  const past = await subscribeEvents(connection, { since: 'first', hosts: ['host-a'] });
  const channel = await connection.channel();
  const event = {
    id: randomUUID(),
    type: 'application.started',
    time: 'now',
    host: 'host-a',
    data: { application: 'x' },
  };
  for (const content of [
    '',
    '{',
    '[]',
    '{}',
    { ...event, type: 'what' },
    { ...event, data: {} },
    { ...event, host: 1 },
  ]) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    channel.publish(eventExchange, 'log.application.started.host-a', Buffer.from(text));
  }
  channel.publish(eventExchange, 'no.such.key', Buffer.from('{}'));
  await channel.close();
  hostA.publish('application.deleted', { application: 'second' });
  expect(await readUntil(subscription, 'second')).toEqual([]);
  expect((await readUntil(past, 'second')).at(-1)).toBe('host-a application.stopped');
});
