// What can be done to a lab that is up: run programs on a host, cut the power, break the network, stop the broker.

import { CmigError } from '../core/errors.ts';
import { spawnProcess } from '../core/run-process.ts';
import { findAgents, killAgent } from './host-agent.ts';
import { enterVector } from './inside.ts';
import { brokerServes, ensureBroker, stopBroker } from './lab-broker.ts';
import { ensureAgent, ensureHost, powerOff, withBroker } from './lab-host.ts';
import {
  applyPartitions,
  applyShape,
  applySiteShape,
  type LinkState,
  partitionPeers,
  rateBitsPerSecond,
  reachesBroker,
  readLinks,
  type Shape,
  writeLinks,
} from './lab-links.ts';
import { findSwitch } from './lab-network.ts';
import { checkLabName, defaultLabName, type LabPlan } from './lab-plan.ts';
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

/** A host, or a site. */
function requireLink(plan: LabPlan, name: string): void {
  if (plan.hosts.includes(name) || plan.sites?.includes(name)) return;
  throw new CmigError('not-found', `lab ${plan.name} has no host or site ${name}`, {
    hint: `it has ${[...plan.hosts, ...(plan.sites ?? [])].join(', ')}`,
  });
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
    const reaches = reachesBroker(plan, await readLinks(plan.name), host);
    if (reaches && (await brokerServes(plan))) {
      return withBroker(plan, (rpc) => ensureAgent(plan, host, init, rpc, onProgress));
    }
    await ensureAgent(plan, host, init, undefined, onProgress);
  });

/** Cuts a host or a site off: from everything, or from `from`: a host, a site, `broker`, or `machine`, which is this one. */
export const labPartition = (host: string, options: LabOptions & { from?: string } = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireLink(plan, host);
    const { from } = options;
    const peers = partitionPeers(plan).filter((peer) => peer !== host);
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

/** Undoes every partition of a host or a site. */
export const labHeal = (host: string, options: LabOptions = {}): Promise<void> =>
  changing(options, async (plan) => {
    requireLink(plan, host);
    await changeLink(plan, host, ({ partitioned: _, ...link }) => link);
  });

/**
 * Limits what a host sends and receives, or what a site exchanges with others, in tc's notation such as 100mbit; `none`
 * takes the limit away. Likewise delay (20ms) and loss (0.5%), each way.
 */
export const labShape = (
  host: string,
  rate: string | undefined,
  options: LabOptions & Pick<Shape, 'delay' | 'loss'> = {},
): Promise<void> =>
  changing(options, async (plan) => {
    requireLink(plan, host);
    const { delay, loss } = options;
    if (rate !== undefined && rate !== 'none') rateBitsPerSecond(rate);
    mustMatch('delay', delay, /^[0-9]+(\.[0-9]+)?(us|ms|s)$/, '20ms');
    mustMatch('loss', loss, /^[0-9]{1,2}(\.[0-9]+)?%$/, '0.5%');
    const wanted = Object.entries({ rate, delay, loss }).filter(([, value]) => value !== undefined);
    await changeLink(plan, host, (link) => {
      const kept = Object.entries({ ...link, ...Object.fromEntries(wanted) });
      return Object.fromEntries(kept.filter(([, value]) => value !== 'none'));
    });
  });

function mustMatch(what: string, value: string | undefined, pattern: RegExp, example: string): void {
  if (value === undefined || value === 'none' || pattern.test(value)) return;
  throw new CmigError('invalid', `"${value}" is no ${what}`, {
    hint: `write it as ${example}; none takes it away`,
  });
}

/** Written first, so that a link that is broken when this ends halfway is at least known to be. */
async function changeLink(
  plan: LabPlan,
  host: string,
  change: (link: LinkState) => LinkState,
): Promise<void> {
  const switchPid = await requireSwitch(plan);
  const links = await readLinks(plan.name);
  const before = links[host] ?? {};
  const after = change(before);
  links[host] = after;
  await writeLinks(plan.name, links);
  await applyPartitions(plan, switchPid, links);
  if (shapeText(after) === shapeText(before)) return;
  const init = (await runningMachines(plan.name)).get(host);
  try {
    if (plan.sites?.includes(host)) await applySiteShape(plan, switchPid, host, after);
    // A host that is down gets its shape when it boots.
    else if (init !== undefined) await applyShape(switchPid, init, host, after);
  } catch (error) {
    await writeLinks(plan.name, { ...links, [host]: before });
    throw error;
  }
}

const shapeText = ({ rate, delay, loss }: Shape): string => JSON.stringify([rate, delay, loss]);

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
