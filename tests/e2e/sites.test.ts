// Hosts in networks that are only routed to each other: applications keep their addresses and connections all the same.
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { stringify } from 'yaml';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { findSwitch } from '../../src/lab/lab-network.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { addressOf, cmig, cmigJson, cmigOk, images } from './lab.ts';
import { NumberedStream } from './numbered-stream.ts';
import { ownLabs, settings } from './settings.ts';

jest.setTimeout(240_000);
const name = ownLabs[3];
const lab = (action: string, ...args: string[]) => cmigOk('lab', action, '--name', name, ...args);
const onHost = (host: string, ...command: string[]) => lab('exec', host, '--', ...command);
const folder = join(settings.folder, 'sites');

interface Heard {
  last: number;
  problems: string[];
}

const python = (application: string, host: string, command: string[], port: number) => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name: application },
  spec: {
    host,
    containers: [
      { name: 'main', image: 'dir:images/python', command: ['python3', ...command], ready: { tcp: port } },
    ],
  },
});

async function apply(...manifests: object[]): Promise<void> {
  const file = join(folder, 'applications.yaml');
  await writeFile(file, manifests.map((manifest) => stringify(manifest)).join('---\n'));
  await cmigOk('apply', '-f', file, '--wait', '--allow-outside');
}

/** What a listener tells of its connections. */
async function heardBy(application: string, container: string): Promise<Heard[]> {
  const ask = "import socket; print(socket.create_connection(('127.0.0.1', 7003)).makefile().read())";
  return Object.values(
    JSON.parse(await cmigOk('exec', application, '-c', container, '--', 'python3', '-c', ask)),
  );
}

/** Waits until every connection has brought more, and nothing else than the next numbers. */
async function mustGoOn(listeners: readonly string[], count: number, container = 'main'): Promise<void> {
  const numbers = async () => {
    const heard = (await Promise.all(listeners.map((each) => heardBy(each, container)))).flat();
    expect(heard.flatMap(({ problems }) => problems)).toEqual([]);
    expect(heard).toHaveLength(count);
    return heard.map(({ last }) => last);
  };
  const before = await numbers();
  await waitFor(async () => (await numbers()).every((last, index) => last > before[index]! + 5), {
    timeoutMs: 60_000,
    intervalMs: 300,
    what: 'further numbers on all connections',
  });
}

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await symlink(images, join(folder, 'images'));
  await lab('down');
  await lab('up', '--hosts', '3', '--sites', 'onprem,azure,aws');
  await cmigOk('config', 'use-context', `lab-${name}`);
}, 240_000);
afterAll(() => lab('down'), 240_000);

describe('a lab of three sites', () => {
  const knocks = (host: string, address: string) =>
    cmig('lab', 'exec', '--name', name, host, '--', 'busybox', 'ping', '-c', '1', '-W', '2', address);

  it('has each host in a network of its own, by which it is labelled', async () => {
    const { sites, hosts } = await cmigJson<{
      sites: { name: string; range: string }[];
      hosts: { site: string; address: string }[];
    }>('lab', 'status', '--name', name);
    expect(hosts.map(({ site }) => site)).toEqual(sites.map((site) => site.name));
    expect(new Set(sites.map(({ range }) => range)).size).toBe(3);
    expect(await cmigOk('get', 'hosts', '-l', 'site=azure', '-o', 'name')).toBe('host/host-b\n');
    // Through the router, which takes one off.
    const answer = await onHost('host-a', 'busybox', 'ping', '-c', '1', hosts[1]!.address);
    expect(answer).toContain('ttl=63');
  });

  it('cuts two sites off from each other, and from nobody else', async () => {
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    const [, azure, aws] = hosts.map(({ address }) => address);
    await lab('partition', 'azure', 'aws');
    const { sites } = await cmigJson<{ sites: { partitioned?: string[] }[] }>(
      'lab',
      'status',
      '--name',
      name,
    );
    expect(sites.map(({ partitioned }) => partitioned)).toEqual([undefined, ['aws'], undefined]);
    expect((await knocks('host-b', aws!)).exitCode).toBe(1);
    expect((await knocks('host-c', azure!)).exitCode).toBe(1);
    const isSpared = async () => (await knocks('host-a', aws!)).exitCode === 0;
    await waitFor(isSpared, { timeoutMs: 60_000, what: 'an answer of a site that is not cut off' });
    await lab('heal', 'azure');
    const isHealed = async () => (await knocks('host-b', aws!)).exitCode === 0;
    await waitFor(isHealed, { timeoutMs: 60_000, what: 'the return of the link' });
  });
});

describe('an application that moves between sites', () => {
  const streams: NumberedStream[] = [];
  let server: Server;
  const accepted = new Set<Socket>();
  let world: string;
  const sources = new Set<string>();
  const ticker = python('ticker', 'host-b', ['/app/ticker.py'], 7000);
  const network = { ports: [{ port: 7000, hostPort: 8700, hosts: ['host-a'] }], egress: 'host-c' };

  beforeAll(async () => {
    const { hosts, broker } = await cmigJson<{ hosts: { address: string }[]; broker: { url: string } }>(
      'lab',
      'status',
      '--name',
      name,
    );
    // This machine stands for the world: the first address beside the broker's.
    world = new URL(broker.url).hostname.replace(/[0-9]+$/, '1');
    server = createServer((socket) => {
      sources.add(socket.remoteAddress ?? '');
      accepted.add(socket);
      let number = 0;
      const timer = setInterval(() => socket.write(`${++number}\n`), 50);
      socket.on('error', () => {}).on('close', () => clearInterval(timer));
    }).listen(0, world);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const listener = await readFile(join(import.meta.dirname, 'manifests/listener.py'), 'utf8');
    ticker.spec.containers.push({
      ...ticker.spec.containers[0]!,
      name: 'caller',
      command: ['python3', '-c', listener, `${world}:${port}`],
      ready: { tcp: 7003 },
    });
    await apply({ ...ticker, spec: { ...ticker.spec, network } });
    const target = `${await addressOf('ticker')}:7000`;
    await apply(
      python('near', 'host-a', ['-c', listener, ...Array(3).fill(target)], 7003),
      python('far', 'host-c', ['-c', listener, ...Array(2).fill(target)], 7003),
    );
    for (let count = 0; count < 5; count++)
      streams.push(await NumberedStream.open({ host: hosts[0]!.address, port: 8700 }));
  });
  afterAll(async () => {
    for (const stream of streams) stream.close();
    server?.close();
    // The other end of some is on a host that has lost its power: it would be waited for for a quarter of an hour.
    for (const socket of accepted) socket.destroy();
  });

  const mustAllGoOn = async () => {
    await Promise.all([mustGoOn(['near', 'far'], 5), mustGoOn(['ticker'], 1, 'caller')]);
    await Promise.all(streams.map((stream) => stream.more(5, 60_000)));
    expect(streams.flatMap(({ problems }) => problems)).toEqual([]);
  };

  it('keeps its address, and its connections with others, through a published port, and to the world', async () => {
    const address = await addressOf('ticker');
    await mustAllGoOn();
    for (const host of ['host-c', 'host-a', 'host-b']) {
      // A host whose agent is not there meanwhile goes on forwarding, and learns of the move when the agent is back.
      if (host === 'host-c') await lab('kill', 'host-a', '--agent');
      await cmigOk('migrate', 'ticker', host);
      if (host === 'host-c') await lab('start', 'host-a', '--agent');
      await mustAllGoOn();
    }
    // By its name, though it is elsewhere now, and was not there when the other one started.
    const look = async (from: string, of: string) => {
      const ask = `import socket; print(socket.gethostbyname('${of}'))`;
      return (await cmigOk('exec', from, '--', 'python3', '-c', ask)).trim();
    };
    expect(await look('near', 'far')).toBe(await addressOf('far'));
    expect(await look('near', 'ticker')).toBe(address);
    // The one that has the connections moves too.
    await cmigOk('migrate', 'far', 'host-b');
    await mustAllGoOn();
    expect(await look('far', 'near')).toBe(await addressOf('near'));
    expect(await addressOf('ticker')).toBe(address);
    // All of it went out through host-c.
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    expect([...sources]).toEqual([hosts[2]!.address]);
  });

  it('is told to be cut off from the world with the host on the way, and gets there by another, or by that one again', async () => {
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    const { port } = server.address() as AddressInfo;
    const reach = `import socket; socket.create_connection(('${world}', ${port}), 2).recv(1)`;
    const reaches = async (from: string) =>
      (await cmig('exec', from, '-c', 'main', '--', 'python3', '-c', reach)).exitCode === 0;
    const message = async (of: string) =>
      (await cmigJson<{ status: { message?: string } }>('get', 'application', of)).status.message ?? '';
    const until = (what: string, is: () => Promise<boolean>) =>
      waitFor(is, { timeoutMs: 60_000, intervalMs: 300, what });

    await lab('kill', 'host-c');
    for (const each of ['ticker', 'far'])
      await until(`${each} cut off`, async () => (await message(each)).includes('host-c'));
    expect(await cmigOk('describe', 'application', 'far')).toContain(
      'start host-c, or apply it with another',
    );
    const isTold = async (words: string) =>
      (await cmigOk('events', '--for', 'application/far')).includes(words);
    await until('its being told', () => isTold('cannot reach the world: host-c'));
    expect(await reaches('far')).toBe(false);
    // What does not go through it goes on.
    await mustGoOn(['near', 'far'], 5);
    await Promise.all(streams.map((stream) => stream.more(5, 60_000)));

    sources.clear();
    await apply({ ...ticker, spec: { ...ticker.spec, network: { ...network, egress: 'host-a' } } });
    await until('a connection by host-a', () => reaches('ticker'));
    expect([...sources]).toEqual([hosts[0]!.address]);
    expect(await message('ticker')).toBe('');
    await Promise.all(streams.map((stream) => stream.more(5, 60_000)));

    await lab('start', 'host-c');
    await until('the end of the message', async () => (await message('far')) === '');
    await until('a connection by host-c', () => reaches('far'));
    expect(sources).toContain(hosts[2]!.address);
    await until('that being told', () => isTold('through host-c again'));
  });
});

describe('packets between sites', () => {
  const text = 'this-must-not-be-read-on-the-way';

  const router = async () => `--net=/proc/${await findSwitch(name)}/ns/net`;
  const inRouter = async (...command: string[]) =>
    (await runProcess('nsenter', [await router(), '--', ...command])).stdout;

  /** Whether what one application sends another is read on the way, at the router between the sites. */
  async function isReadable(): Promise<boolean> {
    const file = join(folder, 'captured');
    await rm(file, { force: true });
    const capture = spawnProcess(
      'nsenter',
      [await router(), '--', 'tcpdump', '-U', '-i', 'router0', '-w', file],
      {
        stdio: ['ignore', 'ignore', 'ignore'],
      },
    );
    try {
      const address = await addressOf('far');
      // Turned round, so that it is not read in the command, which goes over the same network.
      const backwards = [...text].reverse().join('');
      const send = `import socket
for count in range(10): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'${backwards}'[::-1], ('${address}', 9))`;
      const size = async () => (await stat(file).catch(() => undefined))?.size ?? 0;
      await waitFor(async () => (await size()) > 0, { timeoutMs: 60_000, what: 'the start of the capture' });
      const before = await size();
      // Whatever else goes on between the sites is captured too.
      await cmigOk('exec', 'near', '--', 'python3', '-c', send);
      await waitFor(async () => (await size()) > before + 10 * text.length, {
        timeoutMs: 60_000,
        intervalMs: 200,
        what: 'captured packets',
      });
    } finally {
      capture.kill('SIGINT');
      await capture.ended;
    }
    return (await readFile(file, 'latin1')).includes(text);
  }

  it('do not leave where somebody takes away what leads them into the tunnel, and find it again', async () => {
    const inHost = (...command: string[]) => onHost('host-b', ...command);
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    const count = (run: typeof inRouter, hook: string, which: string) =>
      run(
        'nft',
        `table ip look { counter seen {}; chain look { type filter hook ${hook} priority -1; ${which} counter name seen; }; }`,
      );
    const seen = async (run: typeof inRouter) =>
      Number(/packets (\d+)/.exec(await run('nft', 'list', 'counter', 'ip', 'look', 'seen'))![1]);
    await count(inRouter, 'forward', `ip saddr ${hosts[1]!.address} udp dport 4789`);
    await count(inHost, 'output', 'udp dport 4789 oifname != { "cmig-wg", "lo" }');
    // The agent puts the rule back, maybe at once: it is taken away until something was routed past the tunnel.
    await waitFor(
      async () => {
        await cmig('lab', 'exec', '--name', name, 'host-b', '--', 'ip', 'rule', 'del', 'priority', '1000');
        return (await seen(inHost)) > 5;
      },
      { timeoutMs: 60_000, intervalMs: 300, what: 'packets beside the tunnel' },
    );
    expect(await seen(inRouter)).toBe(0);
    await mustGoOn(['near'], 3);
    for (const run of [inHost, inRouter]) await run('nft', 'delete', 'table', 'ip', 'look');
  });

  /** What a mebibyte is like that came by a way to host-b which takes no larger packets. */
  async function sentBy(way: { mtu: number }) {
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    const pieces = async () => {
      const [names, values] = (await onHost('host-b', 'cat', '/proc/net/snmp')).match(/^Ip: .*$/gm)!;
      return Number(values!.split(' ')[names!.split(' ').indexOf('ReasmReqds')]);
    };
    const receive = `import socket
connection = socket.create_server(('', 7010)).accept()[0]
print(connection.makefile('rb').read() == bytes(range(256)) * 4096)`;
    const send = `import socket, time
for _ in range(300):
  try: connection = socket.create_connection(('${await addressOf('far')}', 7010)); break
  except ConnectionRefusedError: time.sleep(0.1)
connection.sendall(bytes(range(256)) * 4096)
print(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
connection.close()`;
    const route = [`${hosts[1]!.address}/32`, 'dev', 'router1'];
    await inRouter('ip', 'route', 'add', ...route, 'mtu', 'lock', String(way.mtu));
    try {
      const before = await pieces();
      const [received, segment] = await Promise.all(
        [['far', receive] as const, ['near', send] as const].map(([application, text]) =>
          cmigOk('exec', application, '--', 'python3', '-c', text),
        ),
      );
      return {
        isWhole: received === 'True\n',
        segment: Number(segment),
        isInPieces: (await pieces()) > before,
      };
    } finally {
      await inRouter('ip', 'route', 'del', ...route);
    }
  }
  /** With the 52 bytes of IP and TCP, 1330. */
  const segment = 1278;

  it('show no clear text, but where encryption is off', async () => {
    expect(await isReadable()).toBe(false);
    // Each speaks first when it comes back; else what peers send to it in the meantime is lost, by keys that it has no more.
    const spoken = await onHost('host-b', 'wg', 'show', 'cmig-wg', 'persistent-keepalive');
    expect(
      spoken
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1]),
    ).toEqual(['25', '25']);
    // The narrowest way there is between clouds.
    expect(await sentBy({ mtu: 1460 })).toEqual({ isWhole: true, segment, isInPieces: false });
    for (const host of ['host-a', 'host-b', 'host-c']) {
      const file = join(new LabPaths(name).machine(host).etc, 'agent.yaml');
      const before = await readFile(file, 'utf8');
      await writeFile(file, before.replace('overlay: {}', 'overlay: { encryption: never }'));
      await lab('kill', host, '--agent');
      await lab('start', host, '--agent');
    }
    await waitFor(isReadable, { timeoutMs: 60_000, intervalMs: 500, what: 'clear text between the sites' });
    expect(await sentBy({ mtu: 1460 })).toEqual({ isWhole: true, segment, isInPieces: false });
    // A host that has learned the width, by a packet of its own, makes the application's smaller; else they come in pieces.
    const narrow = await sentBy({ mtu: 1300 });
    expect(narrow).toMatchObject({ isWhole: true });
    expect(narrow.isInPieces || narrow.segment < segment).toBe(true);
    await mustGoOn(['near', 'far'], 5);
  });
});

describe('who may connect', () => {
  const connect = (from: string, address: string) =>
    cmig(
      'exec',
      from,
      '--',
      'python3',
      '-c',
      `import socket; socket.create_connection(('${address}', 7000), 10)`,
    );

  it('is told by the manifest, and holds wherever the application is', async () => {
    const guarded = python('guarded', 'host-b', ['/app/ticker.py'], 7000);
    const address = (await addressOf('near')).replace(/[0-9]+$/, '200');
    const applyWith = (network: object) =>
      apply({ ...guarded, spec: { ...guarded.spec, network: { address, ...network } } });
    // Its client still knows somebody else by that address, whom it would go on sending to.
    const former = [address, 'lladdr', '02:00:00:00:00:01', 'dev', 'eth0', 'nud', 'permanent'];
    await onHost('host-a', 'ip', '-n', 'cmig-near', 'neigh', 'replace', ...former);
    await applyWith({ allow: [{ application: 'near' }] });
    await waitFor(async () => (await connect('near', address)).exitCode === 0, {
      timeoutMs: 60_000,
      intervalMs: 300,
      what: 'a connection with the new owner of an address',
    });
    for (const host of ['host-a', 'host-b']) {
      if (host === 'host-a') await cmigOk('migrate', 'guarded', host);
      expect((await connect('near', address)).exitCode).toBe(0);
      expect((await connect('far', address)).stderr).toContain('ConnectionRefusedError');
    }
    await applyWith({ allow: [{ application: 'far' }] });
    expect((await connect('far', address)).exitCode).toBe(0);
    expect((await connect('near', address)).exitCode).not.toBe(0);

    // From outside, through every host, since none is named.
    const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', name);
    const publish = (cidr: string) =>
      applyWith({ ports: [{ port: 7000, hostPort: 8701 }], allow: [{ cidr }] });
    const enter = async (host: { address: string }) => {
      const stream = await NumberedStream.open({ host: host.address, port: 8701 }).catch(() => undefined);
      const has = await stream?.more(3, 10_000).then(
        () => true,
        () => false,
      );
      stream?.close();
      return has === true;
    };
    const entered = () => Promise.all(hosts.map(enter));
    await publish('0.0.0.0/0');
    await waitFor(async () => (await entered()).every(Boolean), {
      timeoutMs: 60_000,
      intervalMs: 300,
      what: 'a way in through every host',
    });
    await publish('192.0.2.0/24');
    await waitFor(async () => !(await entered()).some(Boolean), {
      timeoutMs: 60_000,
      intervalMs: 300,
      what: 'the end of the way in',
    });
  });
});

describe('a published port', () => {
  it('publishes where it was told to, from the start of an agent to the end of the application', async () => {
    const rules = (host: string) => onHost(host, 'nft', 'list', 'ruleset');
    const published = async (host: string) => (await rules(host)).includes('dport 8700');
    expect(await Promise.all(['host-a', 'host-b'].map(published))).toEqual([true, false]);
    const taken = python('rival', 'host-c', ['/app/ticker.py'], 7000);
    const file = join(folder, 'rival.yaml');
    const network = { ports: [{ port: 7000, hostPort: 8700 }] };
    await writeFile(file, stringify({ ...taken, spec: { ...taken.spec, network } }));
    const { exitCode, stderr } = await cmig('apply', '-f', file, '--allow-outside');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('8700/tcp') });
    // Nor what a program of the hosts has: by it they send each other applications.
    const sshd = { ports: [{ port: 7000, hostPort: 22, hosts: ['host-a', 'host-c'] }] };
    await writeFile(file, stringify({ ...taken, spec: { ...taken.spec, network: sshd } }));
    expect(await cmig('apply', '-f', file, '--allow-outside')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining(
        '22/tcp of application rival belongs to a program of the host: on host-a, host-c',
      ),
    });

    await lab('kill', 'host-a');
    await lab('start', 'host-a');
    const until = (what: string, is: boolean) =>
      waitFor(async () => (await published('host-a')) === is, { timeoutMs: 60_000, intervalMs: 300, what });
    await until('the rules after a start', true);
    await cmigOk('delete', 'ticker');
    await until('the end of the rules', false);
  });
});
