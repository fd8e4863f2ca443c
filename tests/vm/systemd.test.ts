// A Debian with systemd becomes a host, and then a broker: what runs there outlives its agent, ends in order with the
// machine, comes back with it, and nothing is left in the end.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { waitFor } from '../../src/core/retry.ts';
import { commandsWith, images } from '../e2e/lab.ts';
import { NumberedStream } from '../e2e/numbered-stream.ts';
import { freePorts } from '../free-ports.ts';
import { bootDebian, type DebianMachine } from './debian-machine.ts';
import { useMachines } from './machines.ts';
import { configuration, folder } from './settings.ts';
import { addressOf, applyApplication } from './slow-cmig.ts';

/** For packages that are unpacked by an emulated machine, on a busy one. */
const limitMs = 1_200_000;
const { cmigOk, cmigJson } = commandsWith({ timeoutMs: limitMs, env: { CMIG_CONFIG: configuration } });

const machines = useMachines();
jest.setTimeout(2 * limitMs);
let debian: DebianMachine;
let access: string[];
let before: Set<string>;
beforeAll(async () => {
  debian = await bootDebian('vm-new');
  await debian.machine.ready();
  access = [debian.ssh, '--identity', debian.key];
  before = await files();
}, 600_000);
afterAll(() => debian?.close(), 60_000);

const there = (...argv: string[]): Promise<string> => debian.machine.shell.run(...argv);
/** What a running system has of its own, its logs, and what its tools remember. */
const passing =
  'proc sys dev run tmp root/.cache var/tmp var/log var/cache var/lib/apt/lists var/lib/systemd etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid-';
async function files(): Promise<Set<string>> {
  const pruned = passing.split(' ').flatMap((path) => ['-o', '-path', `/${path}`]);
  const told = await there(
    ...['find', '/', '-xdev', '(', '-path', '/var/lib/dpkg/*-old', ...pruned, ')', '-prune'],
    ...['-o', '-printf', '%y %m %p\\n'],
  );
  return new Set(told.split('\n'));
}
/** Every file that came, went, or is another kind of file, once what ends has ended. */
async function leftovers(): Promise<string[]> {
  const after = await files();
  return [
    ...[...after].filter((line) => !before.has(line)).map((line) => `came: ${line}`),
    ...[...before].filter((line) => !after.has(line)).map((line) => `went: ${line}`),
  ];
}
/** The main process of a unit. */
const mainPid = async (unit: string): Promise<number> =>
  Number(await there('systemctl', 'show', '-P', 'MainPID', unit));
const untilAnswering = (): Promise<unknown> =>
  waitFor(async () => (await cmigOk('get', 'hosts', 'vm-new', '--no-headers')).includes(' Ready '), {
    timeoutMs: 240_000,
    intervalMs: 1000,
    what: 'an agent on vm-new that is Ready',
  });

describe('a host with systemd', () => {
  let stream: NumberedStream;
  afterAll(() => stream?.close());

  it('is made by one command, which then has nothing to change', async () => {
    const settings = ['--address', debian.address, '--broker', debian.brokerUrl, '--label', 'init=systemd'];
    const add = ['host', 'add', 'vm-new', ...access, ...settings];
    expect(await cmigOk(...add, '--host-key', debian.hostKey)).toMatch(/^host\/vm-new added$/m);
    expect(await cmigOk(...add)).toMatch(/^host\/vm-new: no change$/m);
    expect(await there('systemctl', 'is-enabled', 'cmig-agent')).toBe('enabled\n');
    expect(await there('systemctl', 'is-active', 'cmig-agent')).toBe('active\n');
  });

  it('takes an application with its connection, which outlives every end of the agent', async () => {
    await applyApplication('ticker', {
      host: 'vm-a',
      containers: [
        {
          name: 'ticker',
          image: `dir:${join(images, 'busybox')}`,
          command: ['sh', '/app/ticker.sh'],
          ready: { tcp: 7000, timeout: '100s' },
        },
      ],
    });
    const [port] = await freePorts(1);
    await machines['vm-a'].forward(port!, await addressOf('ticker'), 7000);
    stream = await NumberedStream.open({ host: '127.0.0.1', port: port! });
    await stream.more(5, 120_000);
    expect(await cmigJson('migrate', 'ticker', 'vm-new')).toMatchObject({ outcome: 'committed' });
    await stream.more(20, 120_000);

    // Neither the containers nor what holds them are the unit's, which systemd would end with it.
    const shim = (await there('pgrep', '-x', 'conmon')).trim();
    const unit = await there('sh', '-c', 'cat /sys/fs/cgroup/system.slice/cmig-agent.service/cgroup.procs');
    expect(unit.split('\n')).not.toContain(shim);
    for (const end of [
      ['restart', 'cmig-agent'],
      ['kill', '-s', 'KILL', 'cmig-agent'],
    ]) {
      const ended = await mainPid('cmig-agent');
      await there('systemctl', ...end);
      await waitFor(async () => ![0, ended].includes(await mainPid('cmig-agent')), {
        timeoutMs: 120_000,
        intervalMs: 500,
        what: `another start after "systemctl ${end.join(' ')}"`,
      });
      await untilAnswering();
      await stream.more(20, 120_000);
    }
    expect((await there('pgrep', '-x', 'conmon')).trim()).toBe(shim);
    await there('sh', '-c', 'echo // >>/opt/cmig/host/agent.mjs');
    expect(await cmigOk('host', 'upgrade', 'vm-new', ...access)).toContain('host/vm-new brought in order');
    await stream.more(20, 120_000);
    expect(stream.problems).toEqual([]);
  });

  it('ends applications in order with the machine, and starts them with it', async () => {
    const said = 'echo "asked to end" >> /data/said; exit';
    await applyApplication('keeper', {
      host: 'vm-new',
      volumes: [{ name: 'data' }],
      containers: [
        {
          name: 'keeper',
          image: `dir:${join(images, 'busybox')}`,
          command: ['sh', '-c', `trap '${said}' TERM; while :; do sleep 1; done`],
          volumes: [{ name: 'data', mountPath: '/data' }],
        },
      ],
    });
    stream.close();
    await debian.machine.reboot();
    await waitFor(
      async () => (await cmigOk('get', 'apps', '--no-headers')).match(/ Running +vm-new /g)?.length === 2,
      { timeoutMs: 300_000, intervalMs: 1000, what: 'both applications after the reboot' },
    );
    expect(await cmigOk('exec', 'keeper', '--', 'cat', '/data/said')).toBe('asked to end\n');
    await cmigOk('delete', 'keeper');
  });

  it('is left as it was by one command, which moves off what runs there', async () => {
    expect(await cmigOk('host', 'remove', 'vm-new', ...access)).toContain('host/vm-new removed');
    expect(await cmigOk('get', 'apps', 'ticker', '--no-headers')).toMatch(/ Running +vm-[ab] /);
    await cmigOk('delete', 'ticker');
    const units = await debian.machine.shell.try('systemctl', 'list-unit-files', '--no-legend', 'cmig*');
    expect(units.stdout).toBe('');
    expect(await leftovers()).toEqual([]);
  });
});

describe('a broker with systemd', () => {
  const own = join(folder, 'broker');
  const { cmig, cmigOk } = commandsWith({
    timeoutMs: limitMs,
    env: { CMIG_CONFIG: join(own, 'config.yaml') },
  });

  it('is set up by one command, comes back with its machine, and leaves nothing', async () => {
    const url = `amqps://127.0.0.1:${debian.port}/cmig`;
    const install = [...access, '--port', String(debian.port)];
    await mkdir(own);
    await cmigOk('init', '--broker', url);
    expect(await cmigOk('broker', 'install', ...install, '--host-key', debian.hostKey)).toContain(
      `broker at ${url} installed`,
    );
    expect(await cmigOk('broker', 'install', ...install)).toContain(`broker at ${url}: no change`);
    const letIn = { exitCode: 8, stderr: expect.stringContaining('no agent is connected to the broker') };
    expect(await cmig('get', 'hosts')).toMatchObject(letIn);
    expect(await there('systemctl', 'is-enabled', 'rabbitmq-server')).toBe('enabled\n');
    await debian.machine.reboot();
    await waitFor(async () => (await cmig('get', 'hosts')).stderr.includes('no agent is connected'), {
      timeoutMs: limitMs,
      intervalMs: 2000,
      what: 'a RabbitMQ that came back with its machine',
    });
    await cmigOk('broker', 'remove', ...access);
    expect(await leftovers()).toEqual([]);
  });
});
