// One machine of a lab, be it a host or the broker: power on, power off, and programs run inside.
import { existsSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { CmigError } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';
import { type BackgroundProcess, runProcess, spawnProcess } from '../core/run-process.ts';
import { LabPaths, type MachinePaths } from './lab-paths.ts';
import { brokerMachine, type LabPlan, machineAddress, machineMac } from './lab-plan.ts';
import { asWords, findLabProcesses, marks, readStartTime } from './process-table.ts';
import { sharedFolders } from './shared-folders.ts';

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const bootLimitMs = 15_000;

/** The process ids, on this machine, of the first processes of all running machines of a lab. */
export async function runningMachines(lab: string): Promise<Map<string, number>> {
  const processes = await findLabProcesses(lab);
  return new Map(processes.filter((each) => each.init).map((each) => [each.machine, each.pid]));
}

export const isBooted = (init: number): boolean => existsSync(`/proc/${init}/root/run/lab-ready`);

/**
 * Powers a machine on and waits until its network and its services stand.
 * @param switchPid the process that holds the network namespace of the lab's switch
 * @throws CmigError `failed` with the end of its boot log
 */
export async function bootMachine(plan: LabPlan, machine: string, switchPid: number): Promise<number> {
  const paths = new LabPaths(plan.name);
  const own = paths.machine(machine);
  for (const folder of [own.data, own.log, own.etc, own.root]) await mkdir(folder, { recursive: true });
  const log = await open(own.bootLog, 'w');
  const switchNamespace = await open(`/proc/${switchPid}/ns/net`, 'r');
  let first: BackgroundProcess;
  try {
    first = spawnProcess(
      '/usr/bin/env',
      [
        '-i',
        `PATH=${systemPath}`,
        'HOME=/root',
        'LANG=C.UTF-8',
        ...asWords(marks(plan.name, machine)),
        'unshare',
        '--mount',
        '--net',
        '--uts',
        '--ipc',
        '--pid',
        '--fork',
        '--propagation',
        'private',
        '/bin/sh',
        paths.bootScript,
        machine === brokerMachine ? 'broker' : 'host',
        own.directory,
        machine,
        `${machineAddress(plan, machine)}/16`,
        machineMac(plan, machine),
        ...sharedFolders(),
      ],
      {
        cwd: '/',
        env: marks(plan.name, machine),
        detached: true,
        stdio: ['ignore', log.fd, log.fd, switchNamespace.fd],
      },
    );
  } finally {
    await Promise.all([log.close(), switchNamespace.close()]);
  }
  return waitForBoot(first, machine, own);
}

async function waitForBoot(first: BackgroundProcess, machine: string, own: MachinePaths): Promise<number> {
  let over = false;
  void first.ended.then(() => {
    over = true;
  });
  const fail = async (what: string, cause?: unknown): Promise<never> => {
    throw new CmigError('failed', `${machine} ${what}${await endOfLog(own.bootLog)}`, {
      hint: `its boot log is ${own.bootLog}`,
      cause,
    });
  };
  return waitFor(
    async () => {
      if (over) return fail('ended while it booted');
      const children = await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'latin1').catch(
        () => '',
      );
      const init = Number(children.trim().split(' ')[0]);
      return init > 0 && isBooted(init) ? init : undefined;
    },
    { timeoutMs: bootLimitMs, intervalMs: 20, what: `the boot of ${machine}` },
  ).catch((error) =>
    error instanceof CmigError && error.code === 'timeout'
      ? fail('did not boot', error)
      : Promise.reject(error),
  );
}

/** A process for good: its pid together with when it started. */
interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/** Sends a signal to those that still are who they were. @returns whom to wait for */
export async function signalProcesses(
  processes: { pid: number; startTime?: string | undefined }[],
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<ProcessIdentity[]> {
  const signalled: ProcessIdentity[] = [];
  for (const { pid, startTime } of processes) {
    const current = await readStartTime(pid);
    if (current === undefined || (startTime ?? current) !== current) continue;
    try {
      process.kill(pid, signal);
      signalled.push({ pid, startTime: current });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return signalled;
}

export async function waitForEnd(processes: readonly ProcessIdentity[], timeoutMs = 15_000): Promise<void> {
  for (const { pid, startTime } of processes) {
    await waitFor(async () => (await readStartTime(pid)) !== startTime, {
      timeoutMs,
      intervalMs: 10,
      what: `the end of process ${pid}`,
    });
  }
}

export interface EnterOptions {
  /** Its environment, which is nothing else but this; PATH and HOME if absent. */
  env?: Record<string, string>;
}

/** The argument vector that runs `argv` inside a machine, in /root. Program first. */
export function enterVector(
  init: number,
  argv: readonly string[],
  { env = {} }: EnterOptions = {},
): string[] {
  const environment = { PATH: systemPath, HOME: '/root', LANG: 'C.UTF-8', ...env };
  return [
    'nsenter',
    '--target',
    String(init),
    '--mount',
    '--net',
    '--uts',
    '--ipc',
    '--pid',
    '--',
    '/usr/bin/env',
    '-i',
    '--chdir=/root',
    ...asWords(environment),
    ...argv,
  ];
}

/** Runs a program inside a machine to its end. */
export function runInside(
  init: number,
  argv: readonly string[],
  options: EnterOptions & { input?: string } = {},
) {
  const [program = 'nsenter', ...rest] = enterVector(init, argv, options);
  return runProcess(program, rest, options.input === undefined ? {} : { input: options.input });
}

/**
 * Starts a program inside a machine as a child of the machine's init, so that nothing of it remains outside.
 * @param log the file, on this machine, to which its output is appended
 * @throws CmigError `failed`
 */
export async function startInside(
  lab: string,
  machine: string,
  init: number,
  argv: readonly string[],
  { log, env = {} }: { log: string; env?: Record<string, string> },
): Promise<void> {
  const vector = enterVector(init, ['setsid', '--fork', ...argv], {
    env: { ...env, ...marks(lab, machine) },
  });
  const output = await open(log, 'a');
  try {
    const entering = spawnProcess(vector[0]!, vector.slice(1), {
      cwd: '/',
      stdio: ['ignore', output.fd, output.fd],
    });
    const { exitCode } = await entering.ended;
    if (exitCode !== 0) {
      throw new CmigError('failed', `${argv[0]} could not be started on ${machine}`, { hint: `see ${log}` });
    }
  } finally {
    await output.close();
  }
}

/** What the last lines of a log say, to be the end of a message; empty where it says nothing. */
export async function endOfLog(file: string, lines = 8): Promise<string> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return text === '' ? '' : `\n${text.split('\n').slice(-lines).join('\n')}`;
}
