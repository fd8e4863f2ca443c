// Who may do what, tried by those who may not: on a lab of its own whose broker takes certificates.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Channel } from 'amqplib';
import { macOf } from '../../agent/network/application-network.ts';
import { Authority, type IssueOptions, writeCredentials } from '../../src/authority/authority.ts';
import type { TlsFiles } from '../../src/broker/broker-tls.ts';
import { decode, encode, encodeRequest, newId } from '../../src/broker/codec.ts';
import { type BrokerConnection, connectBroker } from '../../src/broker/connection.ts';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import type { Application } from '../../src/contract/application.ts';
import type { Event, EventType } from '../../src/contract/events.ts';
import type { Fault } from '../../src/contract/fault.ts';
import type { Host, KnownHost } from '../../src/contract/host.ts';
import { type Identity, identityText, operatorRoles } from '../../src/contract/identity.ts';
import { agentQueue, eventExchange, eventStream } from '../../src/contract/protocol.ts';
import { waitFor } from '../../src/core/retry.ts';
import { certificateFiles, labOperator } from '../../src/lab/lab-access.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { type CmigResult, cmig, cmigJson, cmigOk, images } from './lab.ts';
import { labName, settings } from './settings.ts';

jest.setTimeout(240_000);

const lab = `${labName}-trust`;
const paths = new LabPaths(lab);
const hosts = ['host-a', 'host-b', 'host-c'];
let url: string;
const connections: BrokerConnection[] = [];

const onHost = (host: string, ...command: string[]): Promise<CmigResult> =>
  cmig('lab', 'exec', '--name', lab, host, '--', ...command);
const as = (role: string, ...args: string[]): Promise<CmigResult> =>
  cmig('--context', `trust-${role}`, ...args);
const filesOfHost = (host: string): TlsFiles =>
  certificateFiles(paths.machine(host).etc, { role: 'host', name: host });

async function connect(tls: TlsFiles): Promise<BrokerConnection> {
  const connection = await connectBroker({ url, tls, name: 'trust test' });
  connections.push(connection);
  return connection;
}
const asHost = (host: string): Promise<BrokerConnection> => connect(filesOfHost(host));
const asOperator = (role: (typeof operatorRoles)[number]): Promise<BrokerConnection> =>
  connect(certificateFiles(paths.certificates, labOperator(role)));

/** Files of a certificate made by `authority`; the broker is known by the lab's. */
async function certificate(authority: Authority, identity: Identity, options?: IssueOptions) {
  const { certificate: ca } = await Authority.open(paths.authority);
  const folder = join(settings.folder, `c-${newId()}`);
  return writeCredentials(
    { ...(await authority.issue(identity, options)), ca },
    folder,
    identityText(identity),
  );
}

/** What an agent answers to a message that is made by hand, and sent without what cmig adds to it. */
async function askRaw(
  connection: BrokerConnection,
  host: string,
  content: Buffer,
  properties: { userId?: string } = {},
): Promise<{ fault?: Fault; result?: unknown }> {
  const channel = await connection.channel({ quiet: true });
  const answer = new Promise<{ fault?: Fault }>((resolve, reject) => {
    channel.on('close', () => reject(new Error('the broker has closed the channel')));
    const replyTo = 'amq.rabbitmq.reply-to';
    channel
      .consume(replyTo, (message) => message && resolve(decode(message.content) as never), { noAck: true })
      .catch(reject);
    // Past the signature that the connection puts under every message.
    const { publish } = Object.getPrototypeOf(channel) as Channel;
    publish.call(channel, '', agentQueue(host), content, { replyTo, mandatory: true, ...properties });
  });
  answer.catch(() => {});
  return answer;
}
const request = (method: string, params: object, caller: string): Buffer =>
  encodeRequest({ id: newId(), method, caller, params: params as Record<string, unknown> });

const forged = (type: EventType, host: string, data: object): Buffer =>
  encode({ id: newId(), type, time: new Date().toISOString(), host, data }, 'an event');

beforeAll(async () => {
  await cmigOk('lab', 'up', '--name', lab, '--tls');
  await cmigOk('config', 'use-context', `lab-${lab}`);
  const contexts = await cmigJson<{ name: string; broker: { url: string } }[]>('config', 'get-contexts');
  url = contexts.find(({ name }) => name === `lab-${lab}`)!.broker.url;
  for (const role of operatorRoles) {
    const { ca, certificate, key } = certificateFiles(paths.certificates, labOperator(role));
    const words = ['--broker', url, '--ca', ca, '--certificate', certificate, '--key', key];
    await cmigOk('config', 'set-context', `trust-${role}`, ...words);
  }
  const manifest = join(settings.folder, 'trust.yaml');
  await writeFile(manifest, manifestOf({ command: ['sleep', '1000000'], stopTimeout: '1ms' }));
  await cmigOk('--context', 'trust-operator', 'apply', '-f', manifest, '--wait', '--allow-outside');
}, 240_000);

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await cmigOk('lab', 'down', '--name', lab);
}, 240_000);

/** As JSON, which is YAML. */
const manifestOf = (container: object, spec: object = {}, name = 'guarded'): string =>
  JSON.stringify({
    apiVersion: 'cmig.dev/v1',
    kind: 'Application',
    metadata: { name },
    spec: {
      host: 'host-a',
      containers: [{ name: 'main', image: `dir:${images}/busybox`, ...container }],
      ...spec,
    },
  });

describe('by role', () => {
  it('an operator moves an application, and a viewer sees it, and moves, stops and enters nothing', async () => {
    expect(await as('viewer', 'migrate', 'guarded', 'host-b')).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('viewer.lab may not work on application "guarded"'),
    });
    expect(await as('viewer', 'exec', 'guarded', '--', 'true')).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining(
        'viewer.lab may not ask for application.exec, which takes the role operator',
      ),
    });
    // Without cmig, which asks for the lock first, it is the agents who refuse.
    const rpc = new RpcClient(await asOperator('viewer'), { caller: 'test@here' });
    const migration = { migration: 'm-12345678', strategy: 'stop-and-copy', leaseMs: 10_000 };
    const move = { ...migration, application: 'guarded', to: 'host-b' };
    await expect(rpc.callLong('host-a', 'migration.presync', move)).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(rpc.callLong('host-a', 'application.stop', { name: 'guarded' })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('viewer.lab may not ask for application.stop'),
    });
    expect(await as('operator', 'migrate', 'guarded', 'host-b')).toMatchObject({ exitCode: 0 });
    for (const words of [['get', 'apps'], ['describe', 'app', 'guarded'], ['topology', '--once'], ['events']])
      expect(await as('viewer', ...words)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('guarded'),
      });
    expect(await as('viewer', 'logs', 'guarded')).toMatchObject({ exitCode: 0 });
  });

  it('an admin cordons a host, and an operator does not', async () => {
    expect(await as('operator', 'cordon', 'host-c')).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('which takes the role admin'),
    });
    expect(await as('admin', 'cordon', 'host-c')).toMatchObject({ exitCode: 0 });
    expect(await as('admin', 'uncordon', 'host-c')).toMatchObject({ exitCode: 0 });
  });
});

describe('by certificate', () => {
  it('who has one that is about to expire is told, and every host says when its own does', async () => {
    const notAfter = new Date(Date.now() + 5.5 * 86_400_000);
    const own = await Authority.open(paths.authority);
    const { ca, certificate: file, key } = await certificate(own, labOperator('admin'), { notAfter });
    const files = ['--ca', ca, '--certificate', file, '--key', key];
    await cmigOk('config', 'set-context', 'trust-soon', '--broker', url, ...files);
    const day = notAfter.toISOString().slice(0, 10);
    expect(await as('soon', 'get', 'hosts', '-o', 'wide')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('CERTIFICATE UNTIL'),
      stderr: expect.stringContaining(`your certificate (admin.lab) expires on ${day}, in 5 days`),
    });

    // A host's is renewed under its applications: the agent takes what lies there when it connects again.
    const folder = paths.machine('host-c').etc;
    const renew = async (options: IssueOptions) => {
      const identity = { role: 'host', name: 'host-c' } as const;
      await writeCredentials(await own.issue(identity, options), folder, identityText(identity));
    };
    const look = () => as('admin', 'host', 'doctor', 'host-c', '--all');
    await renew({ notAfter });
    expect((await look()).stdout).toContain(`the certificate of host.host-c expires on ${day}, in 5 days`);
    await renew({});
    expect((await look()).stdout).toContain('the certificate of host.host-c is valid until');
    await cmigOk('lab', 'kill', 'host-c', '--agent', '--name', lab);
    await cmigOk('lab', 'start', 'host-c', '--agent', '--name', lab);
    const { status } = await cmigJson<Host>('get', 'host', 'host-c');
    expect(Date.parse(status.certificateExpiresAt!) - Date.now()).toBeGreaterThan(300 * 86_400_000);
  });

  it('who has an expired one, or a foreign one, gets nowhere, and is told which', async () => {
    const foreign = await Authority.create(join(settings.folder, 'foreign'));
    const own = await Authority.open(paths.authority);
    const admin = labOperator('admin');
    const past = { notBefore: new Date(Date.now() - 9e7), notAfter: new Date(Date.now() - 6e4) };
    const cases = [
      [await certificate(own, admin, past), 'the certificate of admin.lab expired at'],
      [await certificate(foreign, admin), 'is from another authority'],
    ] as const;
    for (const [{ ca, certificate, key }, words] of cases) {
      const files = ['--ca', ca, '--certificate', certificate, '--key', key];
      await cmigOk('config', 'set-context', 'trust-refused', '--broker', url, ...files);
      expect(await as('refused', 'get', 'apps')).toMatchObject({
        exitCode: 8,
        stderr: expect.stringContaining(words),
      });
    }
  });
});

describe('with the credentials of an agent', () => {
  it('no other host can be commanded', async () => {
    const rpc = new RpcClient(await asHost('host-a'), { caller: 'test@here' });
    await expect(rpc.callLong('host-b', 'application.stop', { name: 'guarded' })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('host.host-a may not ask for application.stop'),
    });
    await expect(rpc.call('host-b', 'host.cordon', { unschedulable: true })).rejects.toMatchObject({
      code: 'forbidden',
    });
    // What agents do ask each other, but of others than themselves, or without a part in it.
    const { hosts: known } = await rpc.call('host-b', 'host.list', {});
    const { lastSeen: _, ...record } = known.find(({ name }) => name === 'host-c')!;
    await expect(rpc.call('host-b', 'host.put', { host: record })).rejects.toMatchObject({
      code: 'forbidden',
    });
    const { items } = await cmigJson<{ items: { metadata: { name: string } }[] }>('get', 'migrations');
    const migration = items[0]!.metadata.name;
    const stranger = new RpcClient(await asHost('host-c'), { caller: 'test@here' });
    await expect(stranger.call('host-b', 'migration.permit', { migration })).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('has no part in migration'),
    });
  });

  it('no other queue can be read, emptied or taken away', async () => {
    const connection = await asHost('host-a');
    const attempts: ((channel: Channel, queue: string) => Promise<unknown>)[] = [
      (channel, queue) => channel.consume(queue, () => {}),
      (channel, queue) => channel.get(queue),
      (channel, queue) => channel.purgeQueue(queue),
      (channel, queue) => channel.deleteQueue(queue),
      (channel, queue) => channel.bindQueue(queue, eventExchange, '#'),
    ];
    for (const attempt of attempts) {
      const channel = await connection.channel({ quiet: true });
      await expect(attempt(channel, agentQueue('host-b'))).rejects.toMatchObject({ code: 403 });
    }
    const channel = await connection.channel({ quiet: true });
    await expect(channel.deleteExchange(eventExchange)).rejects.toMatchObject({ code: 403 });
  });

  it('no event of another host can be told', async () => {
    const connection = await asHost('host-a');
    const data = { application: 'forged' };
    const ofOther = forged('application.deleted', 'host-b', data);
    const key = (host: string) => `log.application.deleted.${host}`;
    const refused = await connection.confirmChannel();
    const closed = new Promise((resolve) => refused.on('error', resolve));
    refused.publish(eventExchange, key('host-b'), ofOther);
    expect(await closed).toMatchObject({ code: 403 });
    // The broker lets these through. It says who has sent them.
    const channel = await connection.confirmChannel();
    channel.publish(eventExchange, key('host-a'), ofOther);
    channel.publish(eventExchange, key('host-a'), ofOther, { CC: [key('host-b')] });
    channel.publish('', eventStream, ofOther);
    const [other] = (await list('host-c')).filter(({ name }) => name === 'host-b');
    const { lastSeen: _, ...record } = other!;
    const lie = { ...record, address: '192.0.2.66', version: record.version + 1000 };
    for (const host of ['host-a', 'host-b'])
      channel.publish(eventExchange, 'stat.host.heard.host-a', forged('host.heard', host, { host: lie }));
    // A true one behind them: when it has come, they have.
    channel.publish(
      eventExchange,
      key('host-a'),
      forged('application.deleted', 'host-a', { application: 'true' }),
    );
    await channel.waitForConfirms();
    const events = await waitFor(
      async () => {
        const all = (await cmigOk('events', '-o', 'json')).trim().split('\n');
        const read = all.map((line) => JSON.parse(line) as Event<'application.deleted'>);
        return read.some((event) => event.data.application === 'true') ? read : undefined;
      },
      { timeoutMs: 60_000, intervalMs: 200, what: 'the event that is true' },
    );
    expect(events.filter((event) => event.data.application === 'forged')).toEqual([]);
    expect((await list('host-c')).find(({ name }) => name === 'host-b')?.address).toBe(record.address);
  });

  it('no application of another host can be drawn away: not its name, and not its address', async () => {
    const { status } = await cmigJson<Application>('get', 'application', 'guarded');
    const channel = await (await asHost('host-c')).confirmChannel();
    const free = status.address.replace(/\d+$/, '199');
    const lie = (application: string, address: string) => ({
      ...{ application, address, mac: macOf(application), epoch: 1000 },
    });
    const places = [lie('guarded', free), lie('thief', status.address), lie('honest', free)];
    // Its agent, which tells the truth, takes back what it says.
    const names = async () => {
      channel.publish(eventExchange, 'stat.host.placed.host-c', forged('host.placed', 'host-c', { places }));
      return (await onHost('host-a', 'cat', '/run/cmig/names')).stdout.split('\n');
    };
    const known = await waitFor(
      async () => {
        const lines = await names();
        return lines.some((line) => line.endsWith(' honest')) && lines;
      },
      { timeoutMs: 60_000, intervalMs: 100, what: 'what host-c has of its own' },
    );
    expect(known.filter((line) => / (guarded|thief)$/.test(line))).toEqual([`${status.address} guarded`]);
  });

  const list = async (host: string): Promise<KnownHost[]> => {
    const rpc = new RpcClient(await asOperator('viewer'), { caller: 'test@here' });
    return (await rpc.call(host, 'host.list', {})).hosts;
  };
});

describe('a message', () => {
  const cordon = { unschedulable: true };

  it('that names another sender is refused', async () => {
    const operator = await asOperator('operator');
    const named = request('host.cordon', cordon, 'admin.lab@here (1)');
    expect(await askRaw(operator, 'host-b', named, { userId: 'operator.lab' })).toMatchObject({
      fault: { code: 'forbidden', message: expect.stringContaining('in the name of "admin.lab@here (1)"') },
    });
    // The broker itself refuses what it cannot vouch for …
    await expect(askRaw(operator, 'host-b', named, { userId: 'admin.lab' })).rejects.toThrow('closed');
    // … and what it was not asked to vouch for, the agent.
    expect(await askRaw(operator, 'host-b', named)).toMatchObject({
      fault: { code: 'forbidden', message: expect.stringContaining('nobody whom the broker vouches for') },
    });
  });
});

describe('the transfer key', () => {
  const key = '/etc/cmig/identity';
  const options = [
    '-F',
    'none',
    '-o',
    'BatchMode=yes',
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'LogLevel=ERROR',
  ];
  const ssh = (from: string, identity: string, ...command: string[]): Promise<CmigResult> =>
    onHost(from, 'ssh', ...options, '-i', identity, 'root@host-b', ...command);
  const rsync = (from: string, source: string, destination: string, ...more: string[]): Promise<CmigResult> =>
    onHost(
      from,
      'rsync',
      ...['-a', ...more, '-e', `ssh ${options.join(' ')} -i ${key}`],
      ...[source, `root@host-b:${destination}`],
    );

  it('opens no shell, and reaches no other folder', async () => {
    for (const command of [
      [],
      ['id'],
      ['cat', '/etc/shadow'],
      ['rsync', '--server', '--sender', '.', '/etc'],
    ])
      expect(await ssh('host-a', key, ...command)).toMatchObject({
        exitCode: 126,
        stdout: '',
        stderr: expect.stringContaining('cmig: refused'),
      });
    for (const folder of ['/root/', '../', 'm-12345678/../../', 'images/', '/var/lib/cmig/applications/'])
      expect((await rsync('host-a', '/etc/hostname', folder)).exitCode).not.toBe(0);
    const forwarded = await onHost(
      'host-a',
      'ssh',
      ...options,
      '-i',
      key,
      '-W',
      'localhost:22',
      'root@host-b',
    );
    expect(forwarded.exitCode).not.toBe(0);
  });

  it('delivers nothing past its folder: by a symbolic link, or by ".."', async () => {
    const incoming = '/var/lib/cmig/incoming/m-12345678';
    await onHost('host-b', 'mkdir', '-p', incoming, '/root/outside');
    await onHost('host-a', 'mkdir', '-p', '/root/one', '/root/two/link', '/root/two/below');
    await onHost('host-a', 'ln', '-sfn', '/root/outside', '/root/one/link');
    await onHost('host-a', 'cp', '/etc/passwd', '/root/two/link/payload');
    expect(await rsync('host-a', '/root/one/', 'm-12345678/')).toMatchObject({ exitCode: 0 });
    // The link is there now: what is to go "into" it, replaces it or is refused.
    await rsync('host-a', '/root/two/./link/payload', 'm-12345678/', '-R');
    await rsync('host-a', '/root/two/./link/payload', 'm-12345678/', '-R', '--no-implied-dirs');
    await rsync('host-a', '/root/two/link/payload', 'm-12345678/link/');
    await rsync('host-a', '/root/two/./below/../../two/link/payload', 'm-12345678/', '-R');
    await rsync('host-a', '/root/two/link/payload', 'm-12345678/../../../../root/outside/');
    expect((await onHost('host-b', 'ls', '-A', '/root/outside')).stdout).toBe('');
    const found = await onHost(
      'host-b',
      'find',
      '/',
      '-xdev',
      '-name',
      'payload',
      '-not',
      '-path',
      `${incoming}/*`,
    );
    expect(found.stdout).toBe('');
    await onHost('host-b', 'rm', '-r', incoming);
  });

  it('is of no use from another address, nor once there is a new one', async () => {
    const stolen = join(paths.machine('host-c').etc, 'stolen');
    const steal = async () =>
      writeFile(stolen, await readFile(join(paths.machine('host-a').etc, 'identity')), { mode: 0o600 });
    await steal();
    const elsewhere = await ssh('host-c', '/etc/cmig/stolen', 'id');
    expect(elsewhere).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Permission denied') });
    await writeFile(join(paths.machine('host-a').etc, 'old'), await readFile(stolen), { mode: 0o600 });
    expect(await as('operator', 'host', 'rotate-keys', 'host-a')).toMatchObject({ exitCode: 9 });
    expect(await as('admin', 'host', 'rotate-keys', 'host-a')).toMatchObject({ exitCode: 0, stderr: '' });
    const old = await ssh('host-a', '/etc/cmig/old', 'id');
    expect(old).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Permission denied') });
    expect((await ssh('host-a', key, 'id')).stderr).toContain('cmig: refused');
    expect(await as('operator', 'migrate', 'guarded', 'host-a')).toMatchObject({ exitCode: 0 });
  });
});

describe('a manifest', () => {
  const apply = async (text: string): Promise<CmigResult> => {
    const file = join(settings.folder, 'wanting.yaml');
    await writeFile(file, text);
    return as('operator', 'apply', '-f', file, '--wait', '--allow-outside');
  };

  it('that asks for a path or the network of the host is wrong', async () => {
    const wrong = [
      manifestOf({ volumes: [{ name: 'host', hostPath: '/', mountPath: '/host' }] }, {}, 'wanting'),
      manifestOf({}, { volumes: [{ name: 'host', hostPath: '/' }] }, 'wanting'),
      manifestOf({}, { hostNetwork: true }, 'wanting'),
      manifestOf({ privileged: true }, {}, 'wanting'),
    ];
    for (const text of wrong)
      expect(await apply(text)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('unknown') });
  });

  it('that adds capabilities runs where the admin of the host allows them', async () => {
    const wanting = manifestOf(
      { command: ['sleep', '1000000'], stopTimeout: '1ms', capabilities: { add: ['SYS_ADMIN'] } },
      {},
      'wanting',
    );
    expect(await apply(wanting)).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('host-a does not let container main of wanting have CAP_SYS_ADMIN'),
    });
    const configuration = join(paths.machine('host-a').etc, 'agent.yaml');
    await writeFile(
      configuration,
      `${await readFile(configuration, 'utf8')}policy: {capabilities: [SYS_ADMIN]}\n`,
    );
    await cmigOk('lab', 'kill', 'host-a', '--agent', '--name', lab);
    await cmigOk('lab', 'start', 'host-a', '--agent', '--name', lab);
    expect(await apply(wanting)).toMatchObject({ exitCode: 0 });
    // Host-b's admin does not.
    expect(await as('operator', 'migrate', 'wanting', 'host-b')).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('host-b does not let container main of wanting have CAP_SYS_ADMIN'),
    });
  });
});

describe('no secret', () => {
  it('can be read by others, and none is in a log, an event or on a command line', async () => {
    for (const host of [...hosts, 'broker']) {
      const { etc, data, agentLog } = paths.machine(host);
      const loose = await onFiles('-type', 'f', '-perm', '/077', etc, data);
      expect(loose.filter((file) => /\.key$|identity$|_key$|credentials$/.test(file))).toEqual([]);
      if (host === 'broker') continue;
      const log = await readFile(agentLog, 'utf8');
      const secrets = await Promise.all(
        [filesOfHost(host).key, join(etc, 'identity')].map((file) => readFile(file, 'utf8')),
      );
      for (const line of secrets
        .join('\n')
        .split('\n')
        .filter((each) => /^[A-Za-z0-9+/=]{30,}$/.test(each)))
        expect(log.includes(line)).toBe(false);
      expect(log).not.toContain('PRIVATE KEY');
    }
    expect(await onFiles('-name', 'ca.key', '-perm', '/077', paths.authority)).toEqual([]);
    expect((await cmigOk('events', '-o', 'json')).includes('PRIVATE')).toBe(false);
  });

  const onFiles = async (...words: string[]): Promise<string[]> => {
    const { runProcess } = await import('../../src/core/run-process.ts');
    const tests = words.filter((word) => !word.startsWith('/') || word.startsWith('/0'));
    const folders = words.filter((word) => !tests.includes(word));
    return (await runProcess('find', [...folders, ...tests])).stdout.split('\n').filter(Boolean);
  };
});
