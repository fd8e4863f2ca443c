// What all tests on virtual machines share: a broker on this machine, vm-a and vm-b; others join where they are wanted.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBroker } from '../../src/broker/connection.ts';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { artifacts, cmigProgram, root } from '../e2e/settings.ts';
import { freePorts } from '../free-ports.ts';
import { startRabbitmq } from '../integration/rabbitmq.ts';
import { makeDrive } from './machine-drive.ts';
import type { ShellOptions } from './machine-shell.ts';
import { configuration, folder as shared, stateFile } from './settings.ts';
import { type Link, VirtualMachine } from './virtual-machine.ts';

/** The first two are there throughout. vm-new is a Debian with systemd that is no host yet. */
export const names = ['vm-a', 'vm-b', 'vm-old', 'vm-new'] as const;
export type MachineName = (typeof names)[number];
export const pair = ['vm-a', 'vm-b'] as const satisfies MachineName[];

/** For whoever has not started them. */
export interface SceneState {
  /** With sockets, drives, and logs. */
  folder: string;
  image: string;
  key: string;
  broker: { url: string; credentials: { user: string; password: string } };
  shells: Record<(typeof pair)[number], ShellOptions>;
}

/** Many times what it takes on a quiet machine. */
const readyLimitMs = 300_000;

/** Starts the broker, vm-a and vm-b, and waits until they have nothing more to do. @returns what ends them */
export async function startScene(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'cmig-vm-'));
  const machines: VirtualMachine[] = [];
  const broker = await startRabbitmq();
  const end = async (): Promise<void> => {
    await Promise.all(machines.map((machine) => machine.end()));
    await broker.close();
    await keepLogs(folder);
    await rm(folder, { recursive: true, force: true });
    await rm(shared, { recursive: true, force: true });
  };
  try {
    const { stdout } = await runProcess('bash', [join(root, 'scripts/vm/build-image.sh')], {
      timeoutMs: 600_000,
    });
    const key = join(folder, 'key');
    await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const { url, credentials } = broker;
    const scene = { folder, image: stdout.trim(), key, broker: { url, credentials } };
    await useContext(scene);
    const shells: Partial<SceneState['shells']> = {};
    for (const name of pair) {
      const { machine, shell } = await startMachine(scene, name, 'max');
      machines.push(machine);
      shells[name] = shell;
    }
    await Promise.all(machines.map((machine) => machine.ready()));
    await untilAtWork(scene, pair);
    await writeFile(stateFile, JSON.stringify({ ...scene, shells }));
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

export const readScene = async (): Promise<SceneState> =>
  JSON.parse(await readFile(stateFile, 'utf8')) as SceneState;

/** `cpu` as QEMU names it. */
export async function startMachine(
  { folder, image, key, broker }: Omit<SceneState, 'shells'>,
  name: MachineName,
  cpu: string,
): Promise<{ machine: VirtualMachine; shell: ShellOptions }> {
  const { user, password } = broker.credentials;
  const links = linksOf(folder, name);
  const drive = await makeDrive({
    name,
    folder,
    address: machineAddress(name),
    // QEMU's address of the machine that it runs on
    broker: { url: broker.url.replace('127.0.0.1', '10.0.2.2'), credentials: `${user}:${password}` },
    publicKey: `${key}.pub`,
    links: links.length,
  });
  const [sshPort] = await freePorts(1);
  const shell = { name, folder, key, sshPort: sshPort! };
  const [kernel, rootImage] = [join(image, 'kernel'), join(image, 'root.img')];
  const machine = VirtualMachine.start({
    ...shell,
    ...{ kernel, root: rootImage, drive, cpu, links, memoryMiB: 1024 },
  });
  // The others find the ends of the cables there.
  await waitFor(
    async () => {
      const present = await readdir(folder);
      return names.slice(1).every((other) => present.includes(`link.${other}`));
    },
    { timeoutMs: 60_000, intervalMs: 50, what: 'the links of vm-a' },
  );
  return { machine, shell };
}

/** On the link between them. */
export const machineAddress = (name: MachineName): string => `10.78.255.${10 + names.indexOf(name)}`;

/** vm-a is the switch between them: a cable to each. */
export function linksOf(folder: string, name: MachineName): Link[] {
  const others = names.slice(1);
  return (name === 'vm-a' ? others : [name]).map((other, index) => ({
    listens: name === 'vm-a',
    socket: join(folder, `link.${other}`),
    mac: `52:54:00:00:0${names.indexOf(name) + 1}:0${index}`,
  }));
}

/** Their agents know of each other, and are done with what they do at their start, a dump and a restore among it. */
export async function untilAtWork(
  { folder, broker }: Pick<SceneState, 'folder' | 'broker'>,
  hosts: readonly MachineName[],
): Promise<void> {
  const connection = await connectBroker({ ...broker, name: 'vm tests' });
  try {
    const rpc = new RpcClient(connection, { caller: 'vm tests' });
    const knowsAll = async (host: string) => {
      const known = (await rpc.call(host, 'host.list', {}, { timeoutMs: 10_000 })).hosts;
      return hosts.every((other) => known.some(({ name }) => name === other));
    };
    for (const host of hosts) {
      await waitFor(() => knowsAll(host).catch(() => false), {
        timeoutMs: readyLimitMs,
        intervalMs: 500,
        what: `${host} hearing of the others`,
      });
      await waitFor(
        async () =>
          (await readFile(join(folder, `${host}.agent.log`), 'utf8')).includes('has looked at itself'),
        { timeoutMs: readyLimitMs, intervalMs: 500, what: `the end of what the agent of ${host} looks at` },
      );
    }
  } finally {
    await connection.close();
  }
}

async function useContext({ folder, broker }: Pick<SceneState, 'folder' | 'broker'>): Promise<void> {
  const { user, password } = broker.credentials;
  const credentials = join(folder, 'credentials');
  await writeFile(credentials, `${user}:${password}\n`, { mode: 0o600 });
  await rm(shared, { recursive: true, force: true });
  await mkdir(shared, { recursive: true });
  // They reach it by another address than this machine does.
  const options = ['--broker', broker.url, '--credentials-file', credentials, '--insecure', '--use'];
  await runProcess(cmigProgram, ['config', 'set-context', 'vm', ...options], {
    env: { CMIG_CONFIG: configuration },
  });
}

async function keepLogs(folder: string): Promise<void> {
  const kept = join(artifacts, '../vm');
  await mkdir(kept, { recursive: true });
  for (const file of await readdir(folder))
    if (file.endsWith('.log')) await copyFile(join(folder, file), join(kept, file));
}
