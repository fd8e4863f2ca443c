// The lab itself: it comes up, stands what is done to it, and leaves nothing behind. In labs of its own, by the
// functions that commands call; what is asked is what the kernel and the machines say.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { runInside } from '../../src/lab/inside.ts';
import {
  labBroker,
  labDown,
  labExec,
  labHeal,
  labKill,
  labPartition,
  labShape,
  labStart,
  labStatus,
  labUp,
} from '../../src/lab/lab.ts';
import { withBroker } from '../../src/lab/lab-host.ts';
import { allLinks, findSwitch, runInSwitch } from '../../src/lab/lab-network.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { hostCgroup, labCgroup, linkAlias, machineAddress } from '../../src/lab/lab-plan.ts';
import { readPlan } from '../../src/lab/lab-state.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { findLabProcesses, processesWith } from '../../src/lab/process-table.ts';
import { cmigProgram, ownLabs, settings } from './settings.ts';

jest.setTimeout(240_000);
const [name, second] = ownLabs;
const inName = { name };

const initOf = async (host: string, lab = name) => (await runningMachines(lab)).get(host)!;
const onHost = async (host: string, ...argv: string[]) =>
  (await runInside(await initOf(host), argv)).stdout.trim();
const hostStatus = async (host: string) =>
  (await labStatus(inName)).hosts.find((each) => each.name === host)!;

/** What of a lab is still there; empty after `down`. */
async function remains(lab: string): Promise<string[]> {
  const processes = (await findLabProcesses(lab)).map(({ pid, machine }) => `process ${pid} of ${machine}`);
  const links = (await allLinks())
    .filter(({ ifalias }) => ifalias === linkAlias(lab))
    .map(({ ifname }) => `link ${ifname}`);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const { stdout: cgroups } = await runProcess('find', [
    '/sys/fs/cgroup',
    '-maxdepth',
    '2',
    '-name',
    labCgroup(lab).slice(1),
  ]);
  const { directory } = new LabPaths(lab);
  return [
    ...processes,
    ...links,
    ...mounts.filter((line) => line.includes(`${directory}/`)),
    ...cgroups.split('\n').filter(Boolean),
    ...(existsSync(directory) ? [directory] : []),
  ];
}

/** Whether a TCP connection to a host's sshd can be had from this machine within so long. */
const isReachable = (host: string, timeout: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port: 22, timeout });
    socket.on('data', () => socket.destroy(undefined) && resolve(true));
    socket.on('timeout', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(false));
  });

beforeAll(async () => {
  await labDown(inName);
  await labUp({ name, hosts: 2 });
}, 240_000);
afterAll(async () => {
  for (const lab of ownLabs) await labDown({ name: lab });
});

const agentPids = async () => findAgents(await initOf('host-a'));

describe('up', () => {
  it('leaves alone what runs, and brings back what does not', async () => {
    const before = await runningMachines(name);
    const [agent] = await agentPids();
    expect([...before.keys()].sort()).toEqual(['broker', 'host-a', 'host-b']);
    await labUp(inName);
    expect(await runningMachines(name)).toEqual(before);
    expect(await agentPids()).toEqual([agent]);

    await labKill('host-b', inName);
    await labKill('host-a', { name, agent: true });
    await labUp({ name, hosts: 3 });
    const after = await runningMachines(name);
    expect(after.get('host-a')).toBe(before.get('host-a'));
    expect([...after.keys()].sort()).toEqual(['broker', 'host-a', 'host-b', 'host-c']);
    expect((await labStatus(inName)).hosts.map(({ agent }) => agent)).toEqual(Array(3).fill('running'));
  });
});

describe('a host', () => {
  it('shares no file with another one or with this machine', async () => {
    const files = ['/tmp', '/root', '/run', '/etc', '/var/lib/cmig', '/var/log', '/var/tmp', '/dev/shm'].map(
      (folder) => join(folder, 'cmig-lab-test'),
    );
    await onHost('host-a', 'touch', ...files);
    const seen = await onHost(
      'host-b',
      'sh',
      '-c',
      'for f; do [ ! -e "$f" ] || echo "$f"; done',
      'sh',
      ...files,
    );
    expect(seen).toBe('');
    expect(files.filter((file) => existsSync(file))).toEqual([]);
  });

  it('has a name, processes and links of its own', async () => {
    expect(await onHost('host-a', 'hostname')).toBe('host-a');
    expect((await onHost('host-a', 'ls', '/sys/class/net')).split(/\s+/)).toEqual(
      expect.arrayContaining(['cmig0', 'eth0', 'lo']),
    );
    expect(await onHost('host-a', 'sh', '-c', 'tr "\\0" " " < /proc/1/cmdline')).toContain('host-a');
    expect(await onHost('host-a', 'getent', 'hosts', 'host-c')).toContain(
      machineAddress((await readPlan(name))!, 'host-c'),
    );
  });

  it('passes on what a program on it ends with', async () => {
    expect(await labExec('host-a', ['sh', '-c', 'exit 7'], inName)).toEqual({ exitCode: 7 });
    await expect(labExec('host-x', ['true'], inName)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('takes in and buries orphans', async () => {
    await onHost('host-a', 'sh', '-c', 'for i in 1 2 3; do setsid --fork sleep 0; done');
    const zombies = async () =>
      (await onHost('host-a', 'ps', '-eo', 'stat=')).split('\n').filter((state) => state.startsWith('Z'));
    await waitFor(async () => (await zombies()).length === 0, { timeoutMs: 60_000, what: 'the burial' });
  });

  it('loses at a power loss what is not on its disk, and everything that runs, frozen or not', async () => {
    const init = await initOf('host-a');
    const key = await onHost('host-a', 'cat', '/etc/cmig/ssh_host_ed25519_key.pub');
    await onHost('host-a', 'touch', '/run/forgotten', '/var/lib/cmig/kept');
    await onHost('host-a', 'setsid', '--fork', 'sleep', '1000000');
    await freezeProcess('host-a', 'sleep 1000000');
    await labKill('host-a', inName);
    expect(await processesWith(init)).toEqual([]);
    expect(existsSync(`/proc/${init}`)).toBe(false);
    expect(existsSync(join('/sys/fs/cgroup/freezer', hostCgroup(name, 'host-a')))).toBe(false);
    expect(await hostStatus('host-a')).toMatchObject({ state: 'stopped', agent: 'stopped' });
    await expect(labKill('host-a', inName)).rejects.toMatchObject({ code: 'conflict' });

    await labStart('host-a', inName);
    expect(await hostStatus('host-a')).toMatchObject({ state: 'running', agent: 'running' });
    expect(await onHost('host-a', 'cat', '/etc/cmig/ssh_host_ed25519_key.pub')).toBe(key);
    expect(await onHost('host-a', 'ls', '/run', '/var/lib/cmig')).toMatch(/^(?!.*forgotten).*kept/s);
  });

  it('goes on without its agent', async () => {
    const init = await initOf('host-b');
    const [before] = await findAgents(init);
    await labKill('host-b', { name, agent: true });
    expect(await findAgents(init)).toEqual([]);
    await labStart('host-b', { name, agent: true });
    expect(await initOf('host-b')).toBe(init);
    expect(await findAgents(init)).toEqual([expect.any(Number)]);
    expect(await findAgents(init)).not.toEqual([before]);
  });
});

/** Puts a process of a host to ice in a cgroup of its host, as a dump does. */
async function freezeProcess(host: string, commandLine: string): Promise<void> {
  // What was started in the background may not have become it yet.
  const find = async () => {
    const processes = await processesWith(await initOf(host));
    return processes.find(({ argv }) => argv.join(' ') === commandLine)?.pid;
  };
  const pid = await waitFor(find, { timeoutMs: 60_000, what: `${commandLine} on ${host}` });
  const version1 = existsSync('/sys/fs/cgroup/freezer');
  const folder = join('/sys/fs/cgroup', version1 ? 'freezer' : '', hostCgroup(name, host), 'frozen');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'cgroup.procs'), String(pid));
  await (version1
    ? writeFile(join(folder, 'freezer.state'), 'FROZEN')
    : writeFile(join(folder, 'cgroup.freeze'), '1'));
}

describe('the network', () => {
  it('cuts a host off from everything, or from one machine', async () => {
    const plan = (await readPlan(name))!;
    const [a, b] = [machineAddress(plan, 'host-a'), machineAddress(plan, 'host-b')];
    await labPartition('host-a', inName);
    expect([await isReachable(a, 500), await isReachable(b, 60_000)]).toEqual([false, true]);
    expect(await hostStatus('host-a')).toMatchObject({ partitioned: 'all' });
    // It is as it was told to be: nothing to repair, and nothing to wait for.
    await labUp(inName);
    expect(await isReachable(a, 500)).toBe(false);
    await labHeal('host-a', inName);
    // This machine may first have to ask for the host's hardware address again.
    await waitFor(() => isReachable(a, 5000), { timeoutMs: 60_000, what: 'the return of host-a' });

    await labPartition('host-a', { name, from: 'host-b' });
    const connects = (to: string, seconds: number) =>
      onHost('host-a', 'timeout', String(seconds), 'bash', '-c', `: < /dev/tcp/${to}/22`).then(
        () => true,
        () => false,
      );
    expect([await connects('host-b', 1), await connects('host-c', 60), await isReachable(a, 60_000)]).toEqual(
      [false, true, true],
    );
    await labHeal('host-a', inName);
    await waitFor(() => connects('host-b', 5), { timeoutMs: 60_000, what: 'the return of the link' });
    await expect(labPartition('host-a', { name, from: 'nobody' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('slows a link down in both directions, also after a power loss', async () => {
    const rates = async () => {
      const show = ['tc', '-json', 'qdisc', 'show', 'dev'];
      const inside = await onHost('host-c', ...show, 'eth0');
      const outside = await runInSwitch((await findSwitch(name))!, [...show, 'host-c']);
      return [inside, outside.stdout].map((text) => JSON.parse(text)[0]?.options?.rate);
    };
    await labShape('host-c', '8mbit', inName);
    // bytes per second
    expect(await rates()).toEqual([1_000_000, 1_000_000]);
    await labKill('host-c', inName);
    await labStart('host-c', inName);
    expect(await rates()).toEqual([1_000_000, 1_000_000]);
    await labShape('host-c', 'none', inName);
    expect(await rates()).toEqual([undefined, undefined]);
    await expect(labShape('host-c', '1mbit; reboot', inName)).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('the broker', () => {
  it('stops, starts with what it had kept, and the agents come back to it', async () => {
    const plan = (await readPlan(name))!;
    const describe = (rpc: Parameters<Parameters<typeof withBroker>[1]>[0]) =>
      rpc.call('host-a', 'agent.describe', {});
    await labBroker('stop', inName);
    await labBroker('stop', inName);
    expect((await labStatus(inName)).broker.state).toBe('stopped');
    await expect(withBroker(plan, describe)).rejects.toMatchObject({ code: 'unreachable' });
    await labBroker('start', inName);
    const host = await withBroker(plan, (rpc) =>
      waitFor(() => describe(rpc).catch(() => undefined), {
        timeoutMs: 60_000,
        what: 'the return of the agent',
      }),
    );
    expect(host.metadata.name).toBe('host-a');
  });

  it('lets in nobody without its password', async () => {
    const { connectBroker } = await import('../../src/broker/connection.ts');
    const { url } = (await labStatus(inName)).broker;
    for (const credentials of [
      { user: 'guest', password: 'guest' },
      { user: 'cmig', password: 'wrong' },
    ]) {
      await expect(connectBroker({ url, credentials, name: 'test', insecure: true })).rejects.toMatchObject({
        code: 'unreachable',
      });
    }
    const { credentialsFile } = (await labStatus(inName)).broker;
    expect((await runProcess('stat', ['-c', '%a', credentialsFile])).stdout.trim()).toBe('600');
  });
});

describe('down', () => {
  it('takes its own lab only, and leaves nothing of it', async () => {
    await labUp({ name: second, hosts: 1, agents: false });
    expect((await readPlan(second))!.octet).not.toBe((await readPlan(name))!.octet);
    await onHost('host-b', 'setsid', '--fork', 'sleep', '2000000');
    await freezeProcess('host-b', 'sleep 2000000');
    // Somebody has given a host a disk, and another folder of this machine to look at.
    const { data, log } = new LabPaths(name).machine('host-b');
    const shown = await mkdtemp(join(tmpdir(), 'cmig-shown-'));
    await writeFile(join(shown, 'precious'), '');
    await mkdir(join(log, 'shown'));
    await runProcess('mount', ['-t', 'tmpfs', 'disk', data]);
    await runProcess('mount', ['--bind', shown, join(log, 'shown')]);
    expect(await labDown(inName)).toEqual({ existed: true });
    expect(await remains(name)).toEqual([]);
    expect(await readdir(shown)).toEqual(['precious']);
    await rm(shown, { recursive: true });
    expect(await labDown(inName)).toEqual({ existed: false });
    expect((await runningMachines(second)).has('host-a')).toBe(true);
  });

  it('works when the folder of the lab is lost', async () => {
    await rm(new LabPaths(second).directory, { recursive: true, force: true });
    expect(await remains(second)).not.toEqual([]);
    expect(await labDown({ name: second })).toEqual({ existed: true });
    expect(await remains(second)).toEqual([]);
  });

  it.each([
    ['its folder', async () => existsSync(new LabPaths(name).directory)],
    ['its network', async () => existsSync(new LabPaths(name).networkReady)],
    ['a first machine', async () => (await runningMachines(name)).size > 0],
    ['a machine more', async () => (await runningMachines(name)).size > 2],
  ])('works after an up that was killed when there was %s', async (what, there) => {
    const up = spawnProcess(cmigProgram, ['lab', 'up', '--name', name, '--hosts', '2'], {
      env: { CMIG_CONFIG: settings.config },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await waitFor(there, { timeoutMs: 60_000, intervalMs: 1, what: `the appearance of ${what}` });
    up.kill('SIGKILL');
    await up.ended;
    expect(await labDown(inName)).toEqual({ existed: true });
    expect(await remains(name)).toEqual([]);
  });

  it('works again after an up that repaired a killed one', async () => {
    const up = spawnProcess(cmigProgram, ['lab', 'up', '--name', name, '--hosts', '2'], {
      env: { CMIG_CONFIG: settings.config },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await waitFor(async () => (await runningMachines(name)).size > 1, {
      timeoutMs: 60_000,
      intervalMs: 1,
      what: 'the first machines',
    });
    up.kill('SIGKILL');
    await up.ended;
    await labUp({ name, hosts: 2 });
    expect((await labStatus(inName)).hosts.map(({ state, agent }) => [state, agent])).toEqual([
      ['running', 'running'],
      ['running', 'running'],
    ]);
    await labDown(inName);
    expect(await remains(name)).toEqual([]);
  });
});
