// Requests over a real broker: answers, faults, repetitions, and messages that are no requests.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BrokerConnection } from '../../../src/broker/connection.ts';
import { RpcClient } from '../../../src/broker/rpc-client.ts';
import { agentQueue, maxMessageBytes, protocolVersion } from '../../../src/contract/protocol.ts';
import { CmigError } from '../../../src/core/errors.ts';
import { waitFor } from '../../../src/core/retry.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';
import { applicationResource, gate, hostResource, startAgent } from './agents.ts';

let broker: TestBroker;
let agent: BrokerConnection;
let connection: BrokerConnection;
let rpc: RpcClient;
const calls = { put: 0, start: 0, stop: 0 };
const stopping = gate();

beforeAll(async () => {
  broker = await startRabbitmq();
  connection = await broker.connect('client');
  rpc = new RpcClient(connection, { caller: 'test@here' });
}, 120_000);

afterAll(async () => {
  await rpc?.close();
  await connection?.close();
  await agent?.close();
  await broker?.close();
});

const record = {
  name: 'host-b',
  address: '192.0.2.9',
  sshPort: 22,
  sshHostKey: 'ssh-ed25519 AAAA',
  transferKey: 'ssh-ed25519 AAAA',
  labels: {},
  protocolVersion,
  version: 1,
};

it('says that no agent is there, before there is one', async () => {
  await expect(rpc.call('*', 'agent.describe', {})).rejects.toMatchObject({ code: 'unreachable' });
  agent = await broker.connect('agent', { reconnect: true });
  await startAgent(agent, 'host-a', {
    'host.put': async () => {
      calls.put++;
      return {};
    },
    'application.logs': async () => {},
    'host.list': async () => ({ hosts: 'none' }) as never,
    'application.get': async ({ name }, { caller, host }) => {
      throw new CmigError('not-found', `${caller} asked ${host} for ${name}`, {
        hint: 'look elsewhere',
        cause: new CmigError('tool-failed', 'ls failed', {
          tool: { argv: ['ls'], exitCode: 2, output: ['no'] },
        }),
      });
    },
    'application.start': async ({ name }, { host }) => {
      calls.start++;
      return applicationResource(name, host);
    },
    'application.stop': async ({ name }, { host }) => {
      calls.stop++;
      await stopping.passed;
      return applicationResource(name, host);
    },
    'application.delete': async () => {
      throw new CmigError('conflict', 'it is being migrated');
    },
  });
});

describe('a request', () => {
  it('is answered by the host that is asked, or by any', async () => {
    expect(await rpc.call('host-a', 'agent.describe', {})).toEqual(hostResource('host-a'));
    expect(await rpc.call('*', 'agent.describe', {})).toEqual(hostResource('host-a'));
  });

  it('to a host that never was fails at once', async () => {
    await expect(rpc.call('host-z', 'agent.describe', {}, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'not-found',
      message: 'there is no host "host-z"',
    });
  });

  it('to a host whose agent is dead fails in the stated time, or at once where that is asked for', async () => {
    const dying = await broker.connect('dying');
    await startAgent(dying, 'host-d');
    await dying.close();
    await expect(rpc.call('host-d', 'agent.describe', {}, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'unreachable',
      message: 'host-d did not answer within 0.3 s',
      host: 'host-d',
    });
    for (const failFast of [true, 'meanwhile'] as const) {
      // The time limit is that of the test: what is not told at once is not told in it.
      await expect(
        rpc.call('host-d', 'agent.describe', {}, { timeoutMs: 120_000, failFast }),
      ).rejects.toMatchObject({ code: 'unreachable', host: 'host-d' });
      await expect(rpc.call('host-z', 'agent.describe', {}, { failFast })).rejects.toMatchObject({
        code: 'not-found',
      });
      expect(await rpc.call('host-a', 'agent.describe', {}, { failFast })).toEqual(hostResource('host-a'));
    }
  });

  it('that is abandoned is not done later', async () => {
    const late = await broker.connect('late');
    const first = await startAgent(late, 'host-l');
    await first.close();
    await expect(rpc.call('host-l', 'host.put', { host: record }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'unreachable',
    });
    // The broker counts from when it came there.
    const channel = await connection.channel();
    const hasExpired = async () => (await channel.checkQueue(agentQueue('host-l'))).messageCount === 0;
    await waitFor(hasExpired, { timeoutMs: 60_000, what: 'the end of the request' });
    await channel.close();
    let puts = 0;
    const put = async (): Promise<object> => {
      puts++;
      return {};
    };
    await startAgent(late, 'host-l', { 'host.put': put });
    await rpc.call('host-l', 'host.put', { host: record });
    expect(puts).toBe(1);
    await late.close();
  });

  it('whose agent died over it is not done again, and says so', async () => {
    const dying = await broker.connect('dying');
    const begun = gate();
    await startAgent(dying, 'host-p', {
      'host.put': () => {
        begun.open();
        return new Promise(() => {});
      },
    });
    const put = rpc.call('host-p', 'host.put', { host: record }, { timeoutMs: 60_000 });
    const refused = expect(put).rejects.toMatchObject({ code: 'failed', host: 'host-p' });
    await begun.passed;
    await dying.close();
    const successor = await broker.connect('successor');
    let puts = 0;
    await startAgent(successor, 'host-p', {
      'host.put': async () => {
        puts++;
        return {};
      },
    });
    await refused;
    expect(puts).toBe(0);
    await successor.close();
  });

  it('brings the fault with its host, its hint and its causes', async () => {
    await expect(rpc.call('host-a', 'application.get', { name: 'shop' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'test@here asked host-a for shop',
      hint: 'look elsewhere',
      host: 'host-a',
      cause: { code: 'tool-failed', tool: { argv: ['ls'], exitCode: 2 } },
    });
  });

  it('is refused before it is sent where it does not fit the contract', async () => {
    await expect(rpc.call('host-z', 'application.get', { name: '../x' })).rejects.toMatchObject({
      code: 'invalid',
      problems: [{ where: '/name' }],
    });
  });

  it('whose answer does not fit the contract fails at the host', async () => {
    await expect(rpc.call('host-a', 'host.list', {})).rejects.toMatchObject({
      code: 'failed',
      host: 'host-a',
      problems: [{ where: '/hosts', message: 'must be array' }],
    });
  });

  it('that comes twice is done once, and its id stands for nothing else', async () => {
    const id = randomUUID();
    const before = calls.put;
    const both = [1, 2].map(() => rpc.call('host-a', 'host.put', { host: record }, { id }));
    expect(await Promise.all(both)).toEqual([{}, {}]);
    expect(await rpc.call('host-a', 'host.put', { host: record }, { id })).toEqual({});
    expect(calls.put).toBe(before + 1);
    const other = { ...record, name: 'host-c' };
    await expect(rpc.call('host-a', 'host.put', { host: other }, { id })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});

describe('a long request', () => {
  it('that comes twice is done once, while it runs and after it has ended', async () => {
    const id = randomUUID();
    const accepted = gate();
    const first = rpc.callLong(
      'host-a',
      'application.stop',
      { name: 'shop' },
      { id, onAccepted: accepted.open },
    );
    await accepted.passed;
    expect(await rpc.call('host-a', 'operation.get', { operation: id })).toEqual({ state: 'running' });
    const second = new RpcClient(connection, { caller: 'test@here' });
    // The same bytes from another client, as after a restart of the orchestrator.
    const again = second.callLong('host-a', 'application.stop', { name: 'shop' }, { id });
    stopping.open();
    const stopped = applicationResource('shop', 'host-a');
    expect(await first).toEqual(stopped);
    expect(await again).toEqual(stopped);
    expect(await second.callLong('host-a', 'application.stop', { name: 'shop' }, { id })).toEqual(stopped);
    expect(await rpc.call('host-a', 'operation.get', { operation: id })).toEqual({
      state: 'done',
      result: stopped,
    });
    expect(calls.stop).toBe(1);
    await second.close();
  });

  it('ends with the fault of its handler', async () => {
    await expect(rpc.callLong('host-a', 'application.delete', { name: 'shop' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'it is being migrated',
      host: 'host-a',
    });
  });

  it('is given up where the host has gone silent, or has forgotten it', async () => {
    const dying = await broker.connect('dying', { reconnect: true });
    const forever = { 'application.start': () => new Promise<never>(() => {}) };
    const server = await startAgent(dying, 'host-e', forever);
    const accepted = [gate(), gate()];
    const wait = (index: number, silenceMs: number) =>
      rpc.callLong(
        'host-e',
        'application.start',
        { name: 'shop' },
        { silenceMs, onAccepted: accepted[index]!.open },
      );
    // Long enough for the successor to start on a busy machine.
    const forgotten = wait(0, 60_000);
    forgotten.catch(() => {});
    await accepted[0]!.passed;
    await server.close();
    const successor = await startAgent(dying, 'host-e', forever);
    await expect(forgotten).rejects.toMatchObject({ code: 'failed', host: 'host-e' });
    const silent = wait(1, 400);
    silent.catch(() => {});
    await accepted[1]!.passed;
    await successor.close();
    await dying.close();
    await expect(silent).rejects.toMatchObject({ code: 'unreachable', host: 'host-e' });
  });
});

describe('a server', () => {
  /** Sends what no client of ours would send, and answers with what comes back. */
  const sendRaw = async (
    contents: Buffer[],
    properties: object = {},
  ): Promise<{ fault?: { code: string }; id: string }[]> => {
    const channel = await connection.channel();
    const answers: { fault?: { code: string }; id: string }[] = [];
    const all = gate();
    await channel.consume(
      'amq.rabbitmq.reply-to',
      (message) => {
        answers.push(JSON.parse(String(message?.content)));
        if (answers.length === contents.length) all.open();
      },
      { noAck: true },
    );
    for (const content of contents) {
      channel.publish('', agentQueue('host-a'), content, { replyTo: 'amq.rabbitmq.reply-to', ...properties });
    }
    await all.passed;
    await channel.close();
    return answers;
  };
  const request = (changes: object): Buffer =>
    Buffer.from(
      JSON.stringify({
        protocolVersion,
        id: randomUUID(),
        method: 'application.start',
        caller: 'raw',
        params: { name: 'shop' },
        ...changes,
      }),
    );

  it.each([
    ['is not JSON', Buffer.from('{'), 'invalid'],
    ['is empty', Buffer.alloc(0), 'invalid'],
    ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'invalid'],
    ['is too long', Buffer.alloc(maxMessageBytes + 1, 0x20), 'invalid'],
    ['is no object', Buffer.from('[]'), 'invalid'],
    ['has no version', request({ protocolVersion: undefined }), 'invalid'],
    [
      'has another version and another shape',
      Buffer.from('{"protocolVersion": 99, "what": 1}'),
      'incompatible',
    ],
    ['has an unknown method', request({ method: 'application.fly' }), 'unsupported'],
    ["has an object's own method", request({ method: 'constructor' }), 'unsupported'],
    ['has a method that is not served', request({ method: 'migration.list', params: {} }), 'unsupported'],
    ['has wrong params', request({ params: { name: '../../etc' } }), 'invalid'],
    ['has params that are too many', request({ params: { name: 'shop', and: 1 } }), 'invalid'],
    ['has no id', request({ id: undefined }), 'invalid'],
    ['has a key too many', request({ extra: 1 }), 'invalid'],
    [
      'would have frames sent to another queue',
      request({ method: 'application.logs', params: { name: 'shop', session: agentQueue('host-a') } }),
      'invalid',
    ],
  ])('answers a message that %s with a fault', async (_, content, code) => {
    const before = calls.start;
    expect((await sendRaw([content]))[0]?.fault?.code).toBe(code);
    expect(calls.start).toBe(before);
  });

  it('answers whatever comes, and goes on', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ method: fc.anything(), params: fc.object(), id: fc.anything(), caller: fc.anything() })
        .map(request),
    );
    const contents = fc.sample(anything, 300);
    const answers = await sendRaw(contents);
    expect(answers.filter(({ fault }) => !fault)).toEqual([]);
    expect(await rpc.call('host-a', 'agent.describe', {})).toEqual(hostResource('host-a'));
  });

  it('does the request of one who wants no answer, and sends nothing to where no requester waits', async () => {
    const channel = await connection.channel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    const before = calls.start;
    for (const replyTo of [undefined, queue, agentQueue('host-a'), 'amq.rabbitmq.reply-to.forged']) {
      const properties = replyTo ? { replyTo } : {};
      channel.publish('', agentQueue('host-a'), request({ id: randomUUID() }), properties);
    }
    while (calls.start < before + 4) await rpc.call('host-a', 'agent.describe', {});
    expect((await channel.checkQueue(queue)).messageCount).toBe(0);
    await channel.close();
  });

  it('comes back when its queue was deleted', async () => {
    const channel = await connection.channel();
    await channel.deleteQueue(agentQueue('host-a'));
    await channel.close();
    const patient = async (): Promise<unknown> =>
      rpc.call('host-a', 'agent.describe', {}).catch(async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return patient();
      });
    expect(await patient()).toEqual(hostResource('host-a'));
  });

  it('is refused under a name that another one has', async () => {
    const twin = await broker.connect('twin', { reconnect: true });
    await expect(startAgent(twin, 'host-a')).rejects.toMatchObject({ code: 'conflict', host: 'host-a' });
    await twin.close();
    expect(await rpc.call('host-a', 'agent.describe', {})).toEqual(hostResource('host-a'));
  });
});
