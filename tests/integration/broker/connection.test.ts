// Connecting to a real broker, and living through its absence.
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BrokerState, connectBroker } from '../../../src/broker/connection.ts';
import { EventPublisher, subscribeEvents } from '../../../src/broker/events.ts';
import { acquireMutex } from '../../../src/broker/mutex.ts';
import { RpcClient } from '../../../src/broker/rpc-client.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';
import { applicationResource, gate, hostResource, startAgent } from './agents.ts';

let broker: TestBroker;

beforeAll(async () => {
  broker = await startRabbitmq();
}, 120_000);

afterAll(async () => {
  await broker?.close();
});

describe('a connection that cannot be had', () => {
  const connect = (changes: object) =>
    connectBroker({ url: broker.url, credentials: broker.credentials, name: 'test', ...changes });
  const listen = async (server: Server): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `amqp://127.0.0.1:${(server.address() as { port: number }).port}`;
  };

  it('is told from a wrong password, and from a virtual host that is not there', async () => {
    const credentials = { user: 'cmig', password: 'wrong' };
    await expect(connect({ credentials })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('refuses the login of user "cmig"'),
    });
    const url = broker.url.replace('/cmig', '/no%2fsuch');
    await expect(connect({ url })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('no virtual host "no/such"'),
    });
  });

  it('is told where nobody listens, or somebody else', async () => {
    const closing = createServer((socket) => socket.destroy());
    const url = await listen(closing);
    await expect(connect({ url })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('broke the connection off'),
    });
    await new Promise((resolve) => closing.close(resolve));
    await expect(connect({ url, reconnect: true })).rejects.toMatchObject({
      code: 'unreachable',
      message: `no broker listens at ${url.slice('amqp://'.length)}`,
    });
    const silent = createServer(() => {});
    await expect(connect({ url: await listen(silent), timeoutMs: 200 })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('did not answer in time'),
    });
    silent.close();
  });

  it('is refused where the URL is none, without repeating a password', async () => {
    await expect(connect({ url: 'http://cmig:secret@here' })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.not.stringContaining('secret'),
    });
  });
});

describe('a connection that goes', () => {
  it('ends what was being asked and closed on it: a command that has slept is not left with that for ever', async () => {
    let isHeard = true;
    const { hostname, port } = new URL(broker.url);
    const sockets: Socket[] = [];
    const between = createServer((socket) => {
      const there = connectSocket(Number(port), hostname).on('error', () => {});
      sockets.push(
        socket.on('error', () => {}),
        there,
      );
      socket.on('data', (data) => isHeard && there.write(data));
      there.pipe(socket);
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    const url = broker.url.replace(port, String((between.address() as { port: number }).port));
    const open = () => connectBroker({ url, credentials: broker.credentials, name: 'sleeper' });
    const [one, other] = [await open(), await open()];
    const channel = await one.channel();
    isHeard = false;
    const lost = expect(acquireMutex(one, 'shop', 'test')).rejects.toMatchObject({ code: 'unreachable' });
    const closing = [channel.close(), other.close()];
    for (const socket of sockets) socket.destroy();
    await Promise.all([lost, ...closing]);
    await one.close();
    between.close();
  }, 60_000);
});

describe('a broker that goes and comes back', () => {
  it('loses no operation, no request and no event that is kept', async () => {
    const states: BrokerState[] = [];
    const agent = await broker.connect('agent', { reconnect: true });
    const orchestrator = await connectBroker({
      url: broker.url,
      credentials: broker.credentials,
      name: 'orchestrator',
      reconnect: true,
      onState: (state) => states.push(state),
    });
    const brief = await broker.connect('brief');
    const started = gate();
    let starts = 0;
    await startAgent(agent, 'host-a', {
      'application.start': async ({ name }, { host }) => {
        starts++;
        await started.passed;
        return applicationResource(name, host);
      },
      'application.stop': () => new Promise(() => {}),
    });
    const events = new EventPublisher(agent, 'host-a');
    const rpc = new RpcClient(orchestrator, { caller: 'test@here' });
    const briefRpc = new RpcClient(brief, { caller: 'test@here' });
    const [live, kept] = await Promise.all([
      subscribeEvents(orchestrator, { types: ['application.deleted'] }),
      subscribeEvents(orchestrator, { since: 'first' }),
    ]);
    const mutex = await acquireMutex(orchestrator, 'shop', 'test');
    const accepted = [gate(), gate(), gate()];
    const operation = rpc.callLong(
      'host-a',
      'application.start',
      { name: 'shop' },
      { onAccepted: accepted[0]!.open },
    );
    const given = briefRpc.callLong(
      'host-a',
      'application.stop',
      { name: 'shop' },
      { onAccepted: accepted[1]!.open },
    );
    const givenUp = expect(given).rejects.toMatchObject({ code: 'unreachable' });
    const impatient = rpc.callLong(
      'host-a',
      'application.stop',
      { name: 'shop' },
      { onAccepted: accepted[2]!.open, brokerAwayMs: 200 },
    );
    const lostPatience = expect(impatient).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('away'),
    });
    await Promise.all(accepted.map(({ passed }) => passed));
    events.publish('application.started', { application: 'before' });
    await events.flush(60_000);

    await broker.untilStreamsAreKept();
    await broker.stop({ kill: true });
    await givenUp;
    await lostPatience;
    await mutex.lost;
    events.publish('application.stopped', { application: 'meanwhile' });
    started.open(); // the operation ends while nobody can be told
    const request = rpc.call('host-a', 'agent.describe', {}, { timeoutMs: 60_000 });
    await expect(rpc.call('host-a', 'agent.describe', {}, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'unreachable',
    });
    await broker.start();

    // Once lost: a request that came while the agent was still declaring was handled and not answered.
    expect(await request).toEqual(hostResource('host-a'));
    expect(await operation).toEqual(applicationResource('shop', 'host-a'));
    expect(starts).toBe(1);
    await (await acquireMutex(orchestrator, 'shop', 'test')).release();
    events.publish('application.deleted', { application: 'after' });
    for await (const { type } of live) {
      expect(type).toBe('application.deleted');
      break;
    }
    const types: string[] = [];
    for await (const { type } of kept) {
      types.push(type);
      if (type === 'application.deleted') break;
    }
    expect(types).toEqual(['application.started', 'application.stopped', 'application.deleted']);
    expect(states).toEqual(['connected', 'disconnected', 'connected']);

    await events.close();
    await rpc.close();
    await Promise.all([agent, orchestrator, brief].map((connection) => connection.close()));
    expect(states.at(-1)).toBe('closed');
  }, 120_000);
});
