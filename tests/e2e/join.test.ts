// A machine that has nothing but sshd, in a network of its own, becomes a host by one command, whatever cuts that off, takes
// an application, and the broker beside it; then it is as it was before.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Authority, writeCredentials } from '../../src/authority/authority.ts';
import { identityText, parseIdentity } from '../../src/contract/identity.ts';
import { agentQueue } from '../../src/contract/protocol.ts';
import { waitFor } from '../../src/core/retry.ts';
import { certificateFiles } from '../../src/lab/lab-access.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { type BareHost, bootBareHost } from './bare-host.ts';
import { differences, filesOf } from './files-of.ts';
import { type CmigResult, cmig, cmigJson, cmigOk, startCmig } from './lab.ts';
import { connectToLab } from './lab-broker.ts';
import { NumberedStream } from './numbered-stream.ts';
import { ownLabs, settings } from './settings.ts';
import { applyTicker } from './ticker.ts';

jest.setTimeout(600_000);
const lab = ownLabs[4];
const name = 'host-x';
const context = ['--context', `lab-${lab}`];
const issued = identityText({ role: 'host', name });

let host: BareHost;
let add: string[];
let upgrade: string[];
let remove: string[];
let address: string;
let stream: NumberedStream | undefined;
let before: Map<string, string>;
beforeAll(async () => {
  await mkdir(settings.folder, { recursive: true });
  // The machine comes into the second site.
  await cmigOk('lab', 'up', '--name', lab, '--hosts', '1', '--sites', 'onprem,azure', '--tls');
  const { hosts } = await cmigJson<{ hosts: { address: string }[] }>('lab', 'status', '--name', lab);
  address = hosts[0]!.address;
  host = await bootBareHost(lab, name);
  before = await filesOf(host.root);
  const access = ['--identity', host.identity, ...context];
  // With TLS it gets a certificate, too; without, hosts come by the password that all labs' hosts have.
  const authority = ['--dir', new LabPaths(lab).authority];
  add = ['host', 'add', name, `ssh://root@${host.address}`, ...access, ...authority];
  upgrade = ['host', 'upgrade', name, ...access, ...authority];
  remove = ['host', 'remove', name, ...access, ...authority];
});
afterAll(async () => {
  stream?.close();
  await host?.close();
  await cmigOk('lab', 'down', '--name', lab);
});

/** Kills the command as soon as `moment` has come. */
async function killAt(argv: string[], moment: (said: string) => boolean): Promise<void> {
  const adding = startCmig(...argv);
  let said = '';
  adding.stdout!.on('data', (text) => {
    said += String(text);
  });
  await waitFor(() => moment(said), { timeoutMs: 120_000, intervalMs: 5, what: `a moment of ${said}` });
  adding.kill('SIGKILL');
  await adding.ended;
}

describe('cmig host add', () => {
  it('asks for the host key, looks, says what it would change, and changes nothing', async () => {
    const unknown = await cmig(...add, '--dry-run');
    expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(host.hostKey) });
    const another = await cmig(...add, '--dry-run', '--host-key', `SHA256:${'A'.repeat(43)}`);
    expect(another).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('not the one given') });
    const said = await cmigOk(...add, '--dry-run', '--host-key', host.hostKey);
    expect(said).toMatch(/^Debian .* kernel .*\ncgroup v[12], no systemd, criu none, runc none, /);
    expect(said).toMatch(/packages: +by apt-get: .*conmon.*rsync/);
    expect(said).toContain(`host/${name} can be added (dry run)`);
    expect(differences(before, await filesOf(host.root))).toEqual([]);
  });

  it('makes it a host wherever it was cut off before, and then has nothing to change', async () => {
    // The cgroups of all machines of a lab are one tree: this one's stand where they go with the lab.
    add.push('--cgroup-parent', `/cmig-lab-${lab}/${name}`, '--label', 'site=aws');
    await killAt(add, () => existsSync(join(host.root, 'opt/cmig/host/packages.pending')));
    // It is there for some seconds only; who misses it sees what is said next.
    const isShipping = () => existsSync(join(host.root, 'opt/cmig/host/node.new'));
    await killAt(add, (said) => isShipping() || said.includes('agent and Node: '));
    await killAt(add, (said) => said.includes('agent and Node: '));
    await killAt(add, (said) => said.includes('criu and runc: '));
    await killAt(add, (said) => said.includes('configuration: '));
    await killAt(add, (said) => said.includes('service: '));
    expect(await cmigOk(...add)).toMatch(new RegExp(`^host/${name} (added|brought in order)$`, 'm'));
    expect(await cmigOk(...add)).toMatch(new RegExp(`^host/${name}: no change$`, 'm'));
    // The Debian's own criu does not work on every kernel; what stands in the prefix has been tried.
    expect(existsSync(join(host.root, 'opt/cmig/selftest.passed'))).toBe(true);
    const secrets = join(host.root, 'etc/cmig');
    const files = await filesOf(secrets);
    const secret = [...files].filter(([path]) => !/\.(pub|crt)$/.test(path));
    expect(secret.map(([path, told]) => `${path} ${told.split(' ')[0]}`)).toEqual([
      'agent.yaml f600',
      'host.key f600',
      'identity f600',
    ]);
  });

  it('repairs what was broken, and nothing else', async () => {
    await writeFile(join(host.root, 'opt/cmig/host/start'), 'exit 1\n');
    const { changed } = await cmigJson<{ changed: { step: string; changes: string[] }[] }>(...add);
    expect(changed).toEqual([
      { step: 'runtime', changes: ['/opt/cmig/host/start'] },
      { step: 'start', changes: ['starts it anew; containers run on'] },
    ]);
  });

  it('gives a host that takes an application with its connection, its name and who may connect, in secret', async () => {
    const ports = [{ port: 7000, hostPort: 8700, hosts: ['host-a'] }];
    const allow = [{ application: 'friend' }, { cidr: `${host.gateway}/32` }];
    await applyTicker(settings.folder, 'tick', { options: context, network: { ports, allow } });
    for (const other of ['friend', 'stranger'])
      await applyTicker(settings.folder, other, { options: context });
    stream = await waitFor(() => NumberedStream.open({ host: address, port: 8700 }).catch(() => undefined), {
      timeoutMs: 60_000,
      intervalMs: 200,
      what: 'the published port',
    });
    await stream.more(5);
    await cmigOk('migrate', 'tick', name, ...context);
    await stream.more(20, 60_000);
    expect(stream.problems).toEqual([]);
    const meets = (from: string, other: string) => {
      const text = `import socket; socket.create_connection(('${other}', 7000), 30).recv(1)`;
      return cmig('exec', from, ...context, '--', 'python3', '-c', text);
    };
    for (const [from, other] of [
      ['friend', 'tick'],
      ['tick', 'friend'],
    ] as const)
      await waitFor(async () => (await meets(from, other)).exitCode === 0, {
        timeoutMs: 60_000,
        intervalMs: 300,
        what: `a connection of ${from} with ${other}`,
      });
    expect(await meets('stranger', 'tick')).toMatchObject({
      stderr: expect.stringContaining('ConnectionRefusedError'),
    });
    // What came outside of the tunnel would be dropped.
    const transfer = ['wg', 'show', 'cmig-wg', 'transfer'];
    const received = async () =>
      Number((await cmigOk('lab', 'exec', '--name', lab, 'host-a', '--', ...transfer)).split('\t')[1]);
    const before = await received();
    await waitFor(async () => (await received()) > before, {
      timeoutMs: 60_000,
      what: 'further packets through the tunnel',
    });
  });

  it('leaves the application and its connection alone while the agent is killed or replaced', async () => {
    const killed = (await host.agent())!;
    process.kill(killed, 'SIGKILL');
    const started = await waitFor(
      async () => {
        const pid = await host.agent();
        return pid !== killed && pid;
      },
      { timeoutMs: 60_000, what: 'another start of the agent' },
    );
    await stream!.more(20, 60_000);
    // As one of another version would stand there.
    await appendFile(join(host.root, 'opt/cmig/host/agent.mjs'), '// another\n');
    // And with what somebody has set by hand.
    await appendFile(join(host.root, 'etc/cmig/agent.yaml'), 'logLevel: debug\n');
    expect(await cmigOk(...upgrade)).toContain(`host/${name} brought in order`);
    expect(await host.agent()).not.toBe(started);
    expect(await cmigOk(...upgrade)).toContain('no change');
    expect(await readFile(join(host.root, 'etc/cmig/agent.yaml'), 'utf8')).toContain('logLevel: debug');
    await stream!.more(20, 60_000);
    expect(stream!.problems).toEqual([]);
  });
});

describe('cmig broker install, and cmig host remove on the same machine', () => {
  const own = join(settings.folder, 'mq');
  const authority = ['--dir', join(own, 'authority')];
  let install: string[];
  beforeAll(() => {
    install = ['broker', 'install', `ssh://root@${host.address}`, '--identity', host.identity, ...authority];
  });
  const url = () => `amqps://${host.address}:5671/cmig`;

  /** What comes of an attempt to use the broker, where no agent is connected. */
  async function attempt(user: string, from: Authority): Promise<CmigResult> {
    const identity = parseIdentity(user)!;
    const { ca, certificate, key } = await writeCredentials(
      { ...(await from.issue(identity)), ca: (await Authority.open(authority[1]!)).certificate },
      join(own, 'certificates'),
      user,
    );
    const files = ['--ca', ca, '--certificate', certificate, '--key', key];
    await cmigOk('config', 'set-context', 'mq', '--broker', url(), ...files);
    return cmig('--context', 'mq', 'get', 'hosts');
  }
  const letIn = { exitCode: 8, stderr: expect.stringContaining('no agent is connected to the broker') };

  it('sets up RabbitMQ beside the agent for those who have a certificate, though it was cut off, and then has nothing to change', async () => {
    const ours = await Authority.create(authority[1]!);
    await ours.issue({ role: 'admin', name: 'ann' });
    await killAt([...install, '--host-key', host.hostKey], () =>
      existsSync(join(host.root, 'opt/cmig/broker/packages.pending')),
    );
    await killAt(install, (said) => said.includes('configuration: '));
    expect(await cmigOk(...install)).toContain(`broker at ${url()} brought in order`);
    expect(await cmigOk(...install)).toContain(`broker at ${url()}: no change`);
    const key = await stat(join(host.root, 'etc/rabbitmq/cmig/broker.key'));
    expect([key.mode & 0o777, key.uid === 0]).toEqual([0o600, false]);
    expect(await attempt('admin.ann', ours)).toMatchObject(letIn);
    const foreign = await Authority.create(join(own, 'foreign'));
    expect(await attempt('admin.ann', foreign)).toMatchObject({
      exitCode: 8,
      stderr: expect.stringContaining('is from another authority'),
    });
    // Without TLS, and by Erlang's own ways in, nobody comes.
    for (const port of [5672, 25672, 4369])
      await expect(once(connect(port, host.address), 'connect')).rejects.toThrow('ECONNREFUSED');
    await stream!.more(20, 60_000);
  });

  it('goes on when the machine is no host any more, which is undone though it was cut off', async () => {
    await killAt(remove, () => existsSync(join(host.root, 'opt/cmig/host/leaving')));
    const removed = await cmig(...remove);
    expect(removed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`host/${name} removed`) });
    // The broker's users are not for cmig to change.
    expect(removed.stderr).toContain(`rabbitmqctl delete_user ${issued}`);
    expect(existsSync(join(new LabPaths(lab).authority, 'issued', `${issued}.crt`))).toBe(false);
    await stream!.more(20, 60_000);
    expect(stream!.problems).toEqual([]);
    expect(await host.agent()).toBe(undefined);
    expect((await cmigOk('get', 'hosts', '-o', 'name', ...context)).trim()).toBe('host/host-a');
    const connection = await connectToLab(lab, 'join test');
    const channel = await connection.channel({ quiet: true });
    expect(await channel.checkQueue(agentQueue('host-a'))).toMatchObject({ consumerCount: 1 });
    await expect(channel.checkQueue(agentQueue(name))).rejects.toMatchObject({ code: 404 });
    await connection.close();
    expect(await cmig(...remove)).toMatchObject({ exitCode: 3 });
    expect(await attempt('admin.ann', await Authority.open(authority[1]!))).toMatchObject(letIn);
    // What it needs has stayed, and it is the same machine still.
    expect(await cmigOk(...install)).toContain(`broker at ${url()}: no change`);
  });

  it('hears of who comes and who leaves, and is removed: nothing is left, file by file', async () => {
    const folder = join(own, 'eve');
    await cmigOk('operator', 'add', 'eve', '--role', 'viewer', '--out', folder, ...authority);
    const { ca, certificate, key } = certificateFiles(folder, { role: 'viewer', name: 'eve' });
    const files = ['--ca', ca, '--certificate', certificate, '--key', key];
    await cmigOk('config', 'set-context', 'mq', '--broker', url(), ...files);
    expect(await cmig('--context', 'mq', 'get', 'hosts')).toMatchObject(letIn);
    await cmigOk('operator', 'remove', 'eve', ...authority);
    expect(await cmig('--context', 'mq', 'get', 'hosts')).not.toMatchObject(letIn);
    // Of whom it was told by nobody.
    await (await Authority.open(authority[1]!)).issue({ role: 'viewer', name: 'zoe' });
    expect(await cmigOk(...install)).toMatch(/users and permissions: viewer\.zoe\n/);
    await cmigOk('broker', 'remove', ...install.slice(2));
    expect(differences(before, await filesOf(host.root))).toEqual([]);
  });
});
