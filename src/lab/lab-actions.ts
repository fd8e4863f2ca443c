// What can be done to a lab that is up: run programs on a host, cut the power, break the network, stop the broker.

import { CmigError } from '../core/errors.ts';
import { spawnProcess } from '../core/run-process.ts';
import { findAgents, killAgent } from './host-agent.ts';
import { enterVector } from './inside.ts';
import { ensureBroker, speaksAmqp, stopBroker } from './lab-broker.ts';
import { ensureAgent, ensureHost, powerOff, withBroker } from './lab-host.ts';
import {
  applyPartitions,
  applyRate,
  type LinkState,
  partitionPeers,
  rateBitsPerSecond,
  reachesBroker,
  readLinks,
  writeLinks,
} from './lab-links.ts';
import { findSwitch } from './lab-network.ts';
import { brokerMachine, checkLabName, defaultLabName, type LabPlan, machineAddress } from './lab-plan.ts';
import { checkRoot } from './lab-requirements.ts';
import { readPlan } from './lab-state.ts';
import { lockLab } from './lab-up.ts';
import { isBooted, runningMachines } from './machine.ts';
import type { OnProgress } from './progress.ts';

export interface LabOptions {
  name?: string;
  onProgress?: OnProgress;
}

/** The plan of a lab that is there. @throws CmigError `not-found` */
export async function requirePlan(name: string): Promise<LabPlan> {
  const plan = await readPlan(checkLabName(name));
  if (!plan) {
    throw new CmigError('not-found', `there is no lab ${name}`, {
      hint: `cmig lab up${name === defaultLabName ? '' : ` --name ${name}`}`,
    });
  }
  return plan;
}

function requireHost(plan: LabPlan, host: string): void {
  if (!plan.hosts.includes(host)) {
    throw new CmigError('not-found', `lab ${plan.name} has no host ${host}`, {
      hint: `it has ${plan.hosts.join(', ')}`,
    });
  }
}

async function requireRunning(plan: LabPlan, host: string): Promise<number> {
  requireHost(plan, host);
  const init = (await runningMachines(plan.name)).get(host);
  if (init === undefined || !isBooted(init)) {
    throw new CmigError('conflict', `${host} does not run`, { hint: `cmig lab start ${host}`, host });
  }
  return init;
}

async function requireSwitch(plan: LabPlan): Promise<number> {
  const pid = await findSwitch(plan.name);
  if (pid === undefined) {
    throw new CmigError('conflict', `the network of lab ${plan.name} is not up`, { hint: 'cmig lab up' });
  }
  return pid;
}

/** Runs `work` on the plan of a lab while no other command changes it. */
async function changing<T>(options: LabOptions, work: (plan: LabPlan) => Promise<T>): Promise<T> {
  checkRoot();
  const name = checkLabName(options.name ?? defaultLabName);
  await requirePlan(name);
  const lock = await lockLab(name, options.onProgress);
  try {
    return await work(await requirePlan(name));
  } finally {
    await lock.release();
  }
}

/**
 * Runs a program on a host with this process's stdin, stdout and stderr.
 * @returns its exit code, or 128 and the signal's number
 */
export async function labExec(
  host: string,
  argv: readonly string[],
  options: { name?: string } = {},
): Promise<{ exitCode: number }> {
  checkRoot();
  const plan = await requirePlan(options.name ?? defaultLabName);
  const init = await requireRunning(plan, host);
  const { TERM } = process.env;
  const [program = 'nsenter', ...rest] = enterVector(init, argv, TERM ? { env: { TERM } } : {});
  // Ctrl-C is for the program on the host, and this one ends with it.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const { exitCode, signal } = await spawnProcess(program, rest, {
      stdio: ['inherit', 'inherit', 'inherit'],
    }).ended;
    if (exitCode !== undefined) return { exitCode };
    const { constants } = await import('node:os');
    return { exitCode: 128 + (constants.signals[signal as NodeJS.Signals] ?? 0) };
  } finally {
    process.off('SIGINT', ignore);
  }
}

/** Cuts the power of a host, or kills its agent only. @throws CmigError `conflict` where it does not run */
export const labKill = (host: string, options: LabOptions & { agent?: boolean } = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireHost(plan, host);
    const init = (await runningMachines(plan.name)).get(host);
    if (init === undefined) throw new CmigError('conflict', `${host} does not run`, { host });
    if (!options.agent) return powerOff(plan.name, host, init, await findSwitch(plan.name));
    if ((await findAgents(init)).length === 0) {
      throw new CmigError('conflict', `no agent runs on ${host}`, { host });
    }
    return killAgent(init);
  });

/** Boots a host and its agent, or starts its agent only; what runs is left alone. */
export const labStart = (host: string, options: LabOptions & { agent?: boolean } = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireHost(plan, host);
    const onProgress = options.onProgress ?? (() => {});
    const init = options.agent
      ? await requireRunning(plan, host)
      : await ensureHost(plan, host, await requireSwitch(plan), onProgress);
    const reaches = reachesBroker((await readLinks(plan.name))[host]);
    if (reaches && (await speaksAmqp(machineAddress(plan, brokerMachine)))) {
      return withBroker(plan, (rpc) => ensureAgent(plan, host, init, rpc, onProgress));
    }
    await ensureAgent(plan, host, init, undefined, onProgress);
  });

/** Cuts a host off: from everything, or from `from`: another host, `broker`, or `machine`, which is this one. */
export const labPartition = (host: string, options: LabOptions & { from?: string } = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireHost(plan, host);
    const { from } = options;
    const peers = partitionPeers(plan.hosts).filter((peer) => peer !== host);
    if (from !== undefined && !peers.includes(from)) {
      throw new CmigError('not-found', `lab ${plan.name} has no ${from} that ${host} could be cut off from`, {
        hint: `one of ${peers.join(', ')}`,
      });
    }
    await changeLink(plan, host, (link) => {
      if (from === undefined || link.partitioned === 'all') return { ...link, partitioned: 'all' };
      return { ...link, partitioned: [...new Set([...(link.partitioned ?? []), from])] };
    });
  });

/** Undoes every partition of a host. */
export const labHeal = (host: string, options: LabOptions = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireHost(plan, host);
    await changeLink(plan, host, ({ partitioned: _, ...link }) => link);
  });

/** Limits what a host sends and receives, in tc's notation such as 100mbit; `none` takes the limit away. */
export const labShape = (host: string, rate: string, options: LabOptions = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireHost(plan, host);
    if (rate !== 'none') rateBitsPerSecond(rate);
    await changeLink(plan, host, ({ rate: _, ...link }) => (rate === 'none' ? link : { ...link, rate }));
  });

/** Written first, so that a link that is broken when this ends halfway is at least known to be. */
async function changeLink(
  plan: LabPlan,
  host: string,
  change: (link: LinkState) => LinkState,
): Promise<void> {
  const switchPid = await requireSwitch(plan);
  const links = await readLinks(plan.name);
  const before = links[host] ?? {};
  links[host] = change(before);
  await writeLinks(plan.name, links);
  await applyPartitions(switchPid, links);
  const init = (await runningMachines(plan.name)).get(host);
  // A host that is down gets its rate when it boots.
  if (init !== undefined && links[host].rate !== before.rate) {
    await applyRate(switchPid, init, host, links[host].rate);
  }
}

/** Stops the broker in order, or starts it on the data it had. What is so already is left alone. */
export const labBroker = (action: 'stop' | 'start', options: LabOptions = {}): Promise<void> =>
  changing(options, async (plan) => {
    if (action === 'stop') {
      await stopBroker(plan.name);
      return;
    }
    const onProgress = options.onProgress ?? (() => {});
    await ensureBroker(plan, await requireSwitch(plan), onProgress);
  });
