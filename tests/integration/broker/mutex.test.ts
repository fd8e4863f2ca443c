// The mutex of an application on a real broker.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { BrokerConnection } from '../../../src/broker/connection.ts';
import { acquireMutex } from '../../../src/broker/mutex.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';

let broker: TestBroker;
let first: BrokerConnection;
let second: BrokerConnection;

beforeAll(async () => {
  broker = await startRabbitmq();
  [first, second] = await Promise.all([broker.connect('first'), broker.connect('second')]);
}, 120_000);

afterAll(async () => {
  await first?.close();
  await second?.close();
  await broker?.close();
});

it('has one owner, of whom the others are told', async () => {
  const mutex = await acquireMutex(first, 'shop', 'ada@here: migrate shop host-b');
  for (const connection of [first, second]) {
    await expect(acquireMutex(connection, 'shop', 'bob')).rejects.toMatchObject({
      code: 'conflict',
      message: 'application "shop" is being worked on by ada@here: migrate shop host-b',
    });
  }
  const other = await acquireMutex(second, 'another', 'bob');
  await other.release();
  await mutex.release();
  await mutex.release();
  await (await acquireMutex(second, 'shop', 'bob')).release();
});

it('goes with the connection of its owner, who is told', async () => {
  const owner = await broker.connect('owner');
  const mutex = await acquireMutex(owner, 'shop', 'ada');
  await owner.close();
  await mutex.lost;
  const next = await acquireMutex(second, 'shop', 'bob');
  let lost = false;
  void next.lost.then(() => {
    lost = true;
  });
  await next.release();
  expect(lost).toBe(false);
});

it('goes to exactly one of many who want it at once', async () => {
  const owners = await Promise.all(Array.from({ length: 8 }, (_, index) => broker.connect(`owner-${index}`)));
  const tries = await Promise.allSettled(
    owners.map((owner, index) => acquireMutex(owner, 'shop', String(index))),
  );
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await Promise.all(owners.map((owner) => owner.close()));
});
