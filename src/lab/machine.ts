// One machine of a lab, be it a host or the broker: power on, power off, and programs run inside.

import { existsSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { CmigError } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';
import { type BackgroundProcess, spawnProcess } from '../core/run-process.ts';
import { endOfLog } from './end-of-log.ts';
import { systemPath } from './inside.ts';
import { LabPaths, type MachinePaths } from './lab-paths.ts';
import { attachment, brokerMachine, type LabPlan, machineMac } from './lab-plan.ts';
import { asWords, findLabProcesses, marks } from './process-table.ts';
import { sharedFolders } from './shared-folders.ts';

const bootLimitMs = 60_000;

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
  const plug = attachment(plan, machine);
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
        plug.address,
        machineMac(plan, machine),
        plug.switch,
        plug.router ?? '-',
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
