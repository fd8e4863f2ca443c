// Streams over a real broker: order, input, slow readers, and either end gone in the middle.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { BrokerConnection } from '../../../src/broker/connection.ts';
import { RpcClient } from '../../../src/broker/rpc-client.ts';
import type { Frame } from '../../../src/contract/methods.ts';
import { CmigError } from '../../../src/core/errors.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';
import { gate, startAgent } from './agents.ts';

let broker: TestBroker;
let agent: BrokerConnection;
let connection: BrokerConnection;
let rpc: RpcClient;
const line = (text: string): Frame => ({
  type: 'log',
  container: 'web',
  stream: 'stdout',
  time: '2025-01-01T00:00:00Z',
  line: text,
});
const lines = 5000;
let sent = 0;
const sizes: unknown[] = [];
let idle = { begun: gate(), closed: gate() };

beforeAll(async () => {
  broker = await startRabbitmq();
  agent = await broker.connect('agent', { reconnect: true });
  connection = await broker.connect('client');
  rpc = new RpcClient(connection, { caller: 'test@here' });
  await startAgent(agent, 'host-a', {
    // Echoes in upper case what it reads, then exits with the number of bytes modulo 256.
    'application.exec': async (_, __, stream) => {
      let count = 0;
      stream.onResize((size) => sizes.push(size));
      for await (const data of stream.input) {
        count += data.length;
        await stream.send({ type: 'output', stream: 'stdout', data: Buffer.from(data).toString('base64') });
      }
      await stream.send({ type: 'end', exitCode: count % 256 });
      await stream.send(line('after the end'));
    },
    'application.logs': async ({ name }, _, stream) => {
      if (name === 'missing') throw new CmigError('not-found', 'there is no application "missing"');
      if (name === 'many') {
        for (sent = 0; sent < lines && !stream.closed.aborted; sent++) await stream.send(line(String(sent)));
        return;
      }
      idle.begun.open();
      await new Promise((resolve) => stream.closed.addEventListener('abort', resolve));
      idle.closed.open();
    },
  });
}, 120_000);

afterAll(async () => {
  await rpc?.close();
  await connection?.close();
  await agent?.close();
  await broker?.close();
});

it('carries input and output in order, and ends with one end', async () => {
  const stream = await rpc.openStream('host-a', 'application.exec', { name: 'shop', command: ['cat'] });
  const input = Buffer.from(Array.from({ length: 700_001 }, (_, index) => index % 251));
  void stream.write(input.subarray(0, 10));
  void stream.write(input.subarray(10)).then(() => stream.endInput());
  const output: Buffer[] = [];
  const others: Frame[] = [];
  for await (const frame of stream) {
    if (frame.type === 'output') output.push(Buffer.from(frame.data, 'base64'));
    else others.push(frame);
  }
  expect(Buffer.concat(output).equals(input)).toBe(true);
  expect(others).toEqual([{ type: 'end', exitCode: 700_001 % 256 }]);
  await stream.write(Buffer.from('to a process that has ended'));
});

it('ends with the fault of its handler', async () => {
  const stream = await rpc.openStream('host-a', 'application.logs', { name: 'missing' });
  const read = async (): Promise<void> => {
    for await (const frame of stream) expect(frame).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({ code: 'not-found', host: 'host-a' });
});

it('cannot be opened at a host that is not there', async () => {
  await expect(rpc.openStream('host-z', 'application.logs', { name: 'shop' })).rejects.toMatchObject({
    code: 'not-found',
  });
});

it('waits for a slow reader, and loses nothing', async () => {
  const stream = await rpc.openStream('host-a', 'application.logs', { name: 'many' });
  // The server stands still: what it has sent no longer grows.
  let before = -1;
  while (before !== sent || sent === 0) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(1000);
  const numbers: number[] = [];
  for await (const frame of stream) if (frame.type === 'log') numbers.push(Number(frame.line));
  expect(numbers).toEqual(Array.from({ length: lines }, (_, index) => index));
});

it('is over at the server when the reader leaves', async () => {
  idle = { begun: gate(), closed: gate() };
  const stream = await rpc.openStream('host-a', 'application.logs', { name: 'idle', follow: true });
  await idle.begun.passed;
  await stream.close();
  await idle.closed.passed;
  for await (const frame of stream) expect(frame).toBeUndefined();
});

it("is over at the server when the reader's connection has gone", async () => {
  idle = { begun: gate(), closed: gate() };
  const leaving = await broker.connect('leaving');
  const client = new RpcClient(leaving, { caller: 'leaving@here' });
  const stream = await client.openStream('host-a', 'application.logs', { name: 'idle', follow: true });
  await idle.begun.passed;
  await leaving.close();
  await idle.closed.passed;
  const read = async (): Promise<void> => {
    for await (const frame of stream) expect(frame).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({ code: 'cancelled' });
});

it('fails at the reader when the host has gone', async () => {
  const dying = await broker.connect('dying');
  await startAgent(dying, 'host-d', { 'application.logs': () => new Promise(() => {}) });
  const stream = await rpc.openStream('host-d', 'application.logs', { name: 'idle', follow: true });
  await dying.close();
  const read = async (): Promise<void> => {
    for await (const frame of stream) expect(frame).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({ code: 'unreachable', host: 'host-d' });
}, 120_000);

it("tells of a client's new size, though its input is not read", async () => {
  const stream = await rpc.openStream('host-a', 'application.exec', { name: 'shop', command: ['cat'] });
  await stream.resize({ rows: 30, columns: 100 });
  await stream.resize({ rows: 40, columns: 132 });
  expect(sizes).toEqual([
    { rows: 30, columns: 100 },
    { rows: 40, columns: 132 },
  ]);
  await stream.close();
});
