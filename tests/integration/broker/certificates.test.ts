// A broker with TLS that knows everybody by certificate: who gets in, and what is said to who does not.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Channel } from 'amqplib';
import { Authority, type IssueOptions, writeCredentials } from '../../../src/authority/authority.ts';
import type { TlsFiles } from '../../../src/broker/broker-tls.ts';
import { decode, encodeAnswer } from '../../../src/broker/codec.ts';
import { connectBroker } from '../../../src/broker/connection.ts';
import { RpcClient } from '../../../src/broker/rpc-client.ts';
import { type Identity, identityText } from '../../../src/contract/identity.ts';
import { agentQueue, eventExchange } from '../../../src/contract/protocol.ts';
import { startRabbitmq, type TestBroker } from '../rabbitmq.ts';
import { hostResource } from './agents.ts';

const bob: Identity = { role: 'operator', name: 'bob' };
const hosts: Identity[] = ['host-b', 'host-a'].map((name) => ({ role: 'host', name }));
const dayMs = 86_400_000;
let folder: string;
let authority: Authority;
let foreign: Authority;
let broker: TestBroker;
let stolen: TlsFiles;

/** Files of a certificate, each set in a folder of its own; `from` is who signs it. */
async function filesOf(identity: Identity, from = authority, options: IssueOptions = {}) {
  const credentials = { ...(await from.issue(identity, options)), ca: authority.certificate };
  return writeCredentials(credentials, await mkdtemp(join(folder, 'c-')), identityText(identity));
}
const connect = (tls: { ca: string; certificate: string; key: string }) =>
  connectBroker({ url: broker.tlsUrl, tls, name: 'test' });
const connectAs = async (identity: Identity) => connect(await filesOf(identity));
const refusal = (message: string) => ({ code: 'unreachable', message: expect.stringContaining(message) });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cmig-certificates-'));
  authority = await Authority.create(join(folder, 'authority'));
  foreign = await Authority.create(join(folder, 'foreign'));
  for (const identity of [bob, ...hosts]) await authority.issue(identity);
  stolen = await filesOf({ role: 'admin', name: 'eve' });
  await authority.revoke({ role: 'admin', name: 'eve' });
  broker = await startRabbitmq(authority);
}, 120_000);
afterAll(async () => {
  await broker?.close();
  await rm(folder, { recursive: true });
});

describe('a certificate', () => {
  it('lets its owner in, whom the broker then vouches for with every message', async () => {
    const connection = await connect(await filesOf(bob));
    expect(connection.user).toBe('operator.bob');
    const channel = await connection.channel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    const heard = new Promise((resolve) => {
      void channel.consume(queue, (message) => resolve(message?.properties.userId), { noAck: true });
    });
    // Whoever it says that it is from: who sends it stands in it.
    channel.publish('', queue, Buffer.from('x'), { userId: 'admin.eve' });
    expect(await heard).toBe('operator.bob');
    await connection.close();
  });

  it('that has expired, is not valid yet, is of another authority or of nobody that is known', async () => {
    const [now, yesterday] = [Date.now(), new Date(Date.now() - dayMs)];
    const cases = await Promise.all([
      filesOf(bob, authority, { notBefore: yesterday, notAfter: new Date(now - 60_000) }),
      filesOf(bob, authority, { notBefore: new Date(now + dayMs) }),
      filesOf(bob, foreign),
      filesOf({ role: 'admin', name: 'mallory' }),
    ]);
    const words = [
      'operator.bob expired at',
      'not valid before',
      'another authority',
      'does not know the user',
    ];
    for (const [index, files] of cases.entries())
      await expect(connect(files)).rejects.toMatchObject(refusal(words[index]!));
  });

  it('that was revoked is good for nothing', async () => {
    const connection = await connect(stolen);
    const attempts: ((channel: Channel) => Promise<unknown>)[] = [
      (channel) => channel.assertQueue('', { exclusive: true }),
      (channel) => channel.bindQueue(agentQueue('host-b'), eventExchange, '#'),
      (channel) => channel.get(agentQueue('host-b')),
    ];
    for (const attempt of attempts)
      await expect(attempt(await connection.channel({ quiet: true }))).rejects.toMatchObject({ code: 403 });
    const rpc = new RpcClient(connection, { caller: 'admin.eve@here' });
    await expect(rpc.call('host-b', 'agent.describe', {}, { timeoutMs: 5000 })).rejects.toThrow();
    await connection.close();
  });

  it('of a host is what its answers are known by', async () => {
    const [operator, asked, liar] = await Promise.all([connect(await filesOf(bob)), ...hosts.map(connectAs)]);
    const [ofAsked, ofLiar] = [await asked!.channel(), await liar!.channel()];
    const queue = agentQueue('host-b');
    await ofAsked.assertQueue(queue, { durable: true });
    let honest = false;
    await ofAsked.consume(queue, (message) => {
      const { id } = decode(message!.content) as { id: string };
      const { replyTo, correlationId } = message!.properties;
      // Had another host come to know where the answer is awaited.
      const answering = honest ? ofAsked : ofLiar;
      answering.publish('', String(replyTo), encodeAnswer(id, { result: hostResource('host-b') }), {
        correlationId,
      });
      ofAsked.ack(message!);
    });
    const rpc = new RpcClient(operator!, { caller: 'test' });
    await expect(rpc.call('host-b', 'agent.describe', {}, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'unreachable',
    });
    honest = true;
    expect((await rpc.call('host-b', 'agent.describe', {})).metadata.name).toBe('host-b');
    await Promise.all([operator, asked, liar].map((connection) => connection?.close()));
  });

  it('of a broker is checked as well', async () => {
    const files = await filesOf(bob);
    const ca = join(foreign.directory, 'ca.crt');
    await expect(connect({ ...files, ca })).rejects.toMatchObject(
      refusal('the certificate of the broker at'),
    );
    const url = broker.tlsUrl.replace('127.0.0.1', 'localhost');
    await expect(connectBroker({ url, tls: files, name: 'test' })).rejects.toMatchObject(
      refusal('is for another name or address'),
    );
  });

  it('is not used where others may read its key', async () => {
    const files = await filesOf(bob);
    await chmod(files.key, 0o640);
    await expect(connect(files)).rejects.toMatchObject({
      code: 'invalid',
      hint: `chmod 600 ${files.key}`,
    });
  });

  it('is what it takes: without TLS a broker on another machine is not spoken to', async () => {
    const url = 'amqp://10.1.2.3/cmig';
    await expect(connectBroker({ url, name: 'test' })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('without TLS'),
    });
  });
});
