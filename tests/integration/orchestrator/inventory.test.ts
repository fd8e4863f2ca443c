// The inventory over a real broker: hosts that answer, one that is gone, one that hangs, one of another version.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrokerConnection } from '../../../src/broker/connection.ts';
import { RpcClient } from '../../../src/broker/rpc-client.ts';
import type { KnownHost } from '../../../src/contract/host.ts';
import { agentQueue, protocolVersion } from '../../../src/contract/protocol.ts';
import { waitFor } from '../../../src/core/retry.ts';
import { withNetworkMutex } from '../../../src/orchestrator/exclusive.ts';
import { findReadyHost } from '../../../src/orchestrator/finding.ts';
import { type Inventory, readInventory } from '../../../src/orchestrator/inventory.ts';
import { removeHost } from '../../../src/orchestrator/joining/remove-host.ts';
import { applicationResource, hostResource, startAgent } from '../broker/agents.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';

const known = (name: string, version = protocolVersion): KnownHost => ({
  name,
  address: '192.0.2.9',
  sshPort: 22,
  sshHostKey: 'ssh-ed25519 AAAA',
  transferKey: 'ssh-ed25519 AAAA',
  labels: {},
  protocolVersion: version,
  version: 1,
  lastSeen: '2026-01-01T00:00:00Z',
});

let broker: TestBroker;
const connections: BrokerConnection[] = [];
const connect = async (name: string) => {
  const connection = await broker.connect(name);
  connections.push(connection);
  return connection;
};
let context: { connection: BrokerConnection; rpc: RpcClient };

beforeAll(async () => {
  broker = await startRabbitmq();
  const connection = await connect('client');
  context = { connection, rpc: new RpcClient(connection, { caller: 'test@here' }) };
}, 120_000);
afterAll(async () => {
  await context?.rpc.close();
  await Promise.all(connections.map((connection) => connection.close()));
  await broker?.close();
});

describe('readInventory', () => {
  it('says what to do where no agent is there at all', async () => {
    await expect(readInventory(context)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('no agent'),
      hint: expect.stringContaining('cmig-agent'),
    });
  });

  it('tells the states of hosts apart, and shows what the others have', async () => {
    const hosts = [known('host-a'), known('host-b'), known('host-c'), known('host-d', 99)];
    await startAgent(await connect('a'), 'host-a', {
      'host.list': async () => ({ hosts }),
      'agent.describe': async () => hostResource('host-a'),
      'application.list': async () => ({ applications: [applicationResource('shop', 'host-a')] }),
      'checkpoint.list': async () => ({ checkpoints: [] }),
      'migration.list': async () => ({ migrations: [] }),
    });
    const raw = await connect('raw');
    const channel = await raw.channel();
    // The agent of host-b is gone, that of host-c hangs, and that of host-d speaks a language of the future.
    for (const name of ['host-b', 'host-c', 'host-d']) {
      await channel.assertQueue(agentQueue(name), { durable: true });
    }
    await channel.consume(agentQueue('host-c'), () => {}, { noAck: true });
    await channel.consume(
      agentQueue('host-d'),
      (message) => {
        const { replyTo, correlationId } = message!.properties;
        const { id } = JSON.parse(String(message!.content)) as { id: string };
        const answer = JSON.stringify({ protocolVersion: 99, id, fault: { novel: true } });
        channel.publish('', replyTo, Buffer.from(answer), { correlationId });
      },
      { noAck: true },
    );

    const conditionsOf = ({ hosts }: Inventory) =>
      hosts.map(({ metadata, status }) => [metadata.name, status.condition]);
    // Where a busy machine took longer than what a host is given, it is asked again.
    const inventory = await waitFor(
      async () => {
        const found = await readInventory(context, { timeoutMs: 2000 });
        return !found.unreachable.includes('host-a') && found;
      },
      { timeoutMs: 60_000, what: 'an answer of host-a' },
    );
    expect(conditionsOf(inventory)).toEqual([
      ['host-a', 'Ready'],
      ['host-b', 'NotReady'],
      ['host-c', 'NotReady'],
      ['host-d', 'Incompatible'],
    ]);
    expect(inventory.unreachable).toEqual(['host-b', 'host-c', 'host-d']);
    expect(inventory.applications.map(({ metadata }) => metadata.name)).toEqual(['shop']);
    const refusal = (name: string) => {
      try {
        return findReadyHost(inventory, name);
      } catch (error) {
        return error;
      }
    };
    expect(refusal('host-b')).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('not connected'),
    });
    expect(refusal('host-c')).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('2 s'),
    });
    expect(refusal('host-d')).toMatchObject({ code: 'incompatible', message: expect.stringContaining('99') });
  });
});

describe('removeHost', () => {
  it('takes away the queue of a host that is lost, with what waits in it', async () => {
    const channel = await (await connect('looks')).channel({ quiet: true });
    channel.sendToQueue(agentQueue('host-b'), Buffer.from('nobody will read it'));
    const { signal } = new AbortController();
    const report = await removeHost(context, {
      ...{ name: 'host-b', session: undefined, keepPackages: false, parallel: 1, signal, caller: 'test' },
      onProgress: () => {},
    });
    expect(report).toMatchObject({ host: 'host-b', untold: expect.arrayContaining(['host-d']) });
    await expect(channel.checkQueue(agentQueue('host-b'))).rejects.toMatchObject({ code: 404 });
  });
});

describe('withNetworkMutex', () => {
  it('lets one after the other choose', async () => {
    const other = await connect('other');
    const order: string[] = [];
    const choose = (name: string, connection: BrokerConnection) =>
      withNetworkMutex({ ...context, connection }, name, async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        order.push(`${name} ends`);
      });
    await Promise.all([choose('one', context.connection), choose('two', other), choose('three', other)]);
    expect(order).toHaveLength(6);
    for (let index = 0; index < 6; index += 2) {
      expect(order[index + 1]).toBe(order[index]!.replace('begins', 'ends'));
    }
  });
});
