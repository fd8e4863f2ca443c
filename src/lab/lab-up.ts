// Brings a lab up, or makes whole again what is missing of one.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { TlsFiles } from '../broker/broker-tls.ts';
import { CmigError } from '../core/errors.ts';
import { untilAcquainted } from './acquaintance.ts';
import { bootScript } from './boot-script.ts';
import { certificateFiles, labOperator } from './lab-access.ts';
import { ensureBroker } from './lab-broker.ts';
import { ensureAgent, ensureHost, powerOff, withBroker } from './lab-host.ts';
import { applyPartitions, applySiteShape, isShaped, reachesBroker, readLinks } from './lab-links.ts';
import { acquireLabLock } from './lab-lock.ts';
import { createNetwork, findSwitch } from './lab-network.ts';
import { LabPaths } from './lab-paths.ts';
import {
  brokerUrl,
  checkLabName,
  checkSites,
  defaultLabName,
  emptySites,
  hostNames,
  type LabPlan,
} from './lab-plan.ts';
import { checkRequirements } from './lab-requirements.ts';
import { chooseOctet, isOctetFree, readPlan, usedRanges, writePlan } from './lab-state.ts';
import { runningMachines } from './machine.ts';
import { writeBrokerFiles, writeHostFiles } from './machine-files.ts';
import { type OnProgress, reported } from './progress.ts';

export interface LabUpOptions {
  name?: string;
  /** 3 for a new lab; one that is there gets more where this is more, and never fewer. */
  hosts?: number;
  /** Networks of their own, to which hosts are dealt out in turn; for a new lab only. One segment if absent. */
  sites?: readonly string[];
  /** Certificates instead of a password: for a new lab. */
  tls?: boolean;
  /** False for a lab without agents. */
  agents?: boolean;
  onProgress?: OnProgress;
}

/** How the lab is reached. */
export interface LabAccess {
  name: string;
  directory: string;
  brokerUrl: string;
  /** The password; of no use with TLS. */
  credentialsFile: string;
  tls?: TlsFiles;
  hosts: string[];
  /** In which there is no host yet; absent where there is none. */
  emptySites?: string[];
}

/**
 * Ends when every host runs and every agent answers and knows the others. May be called again at any time, also after it was killed: what
 * runs is kept, what is missing is started.
 * @throws CmigError `invalid`, `unsupported` (not root, programs missing), `conflict` (another command, no free
 * range), `failed` with the end of the log of what did not start
 */
export async function labUp(options: LabUpOptions = {}): Promise<LabAccess> {
  const name = checkLabName(options.name ?? defaultLabName);
  if (options.hosts !== undefined) hostNames(options.hosts);
  if (options.sites !== undefined) checkSites(options.sites);
  await checkRequirements({ sites: options.sites !== undefined });
  const onProgress = options.onProgress ?? (() => {});
  const lock = await lockLab(name, onProgress);
  try {
    return await bringUp(name, options, onProgress);
  } finally {
    await lock.release();
  }
}

export const lockLab = (name: string, onProgress: OnProgress = () => {}) =>
  acquireLabLock(name, {
    onWait: (holder) =>
      onProgress({ part: 'network', name, state: 'waiting', message: `for another command (${holder})` }),
  });

async function bringUp(name: string, options: LabUpOptions, onProgress: OnProgress): Promise<LabAccess> {
  const paths = new LabPaths(name);
  await mkdir(paths.directory, { recursive: true, mode: 0o755 });
  const { plan, switchPid } = await ensureNetwork(name, options, onProgress);
  const credentials = await writeBrokerFiles(plan);
  await writeFile(paths.bootScript, bootScript);
  await chmod(paths.bootScript, 0o755);
  const broker = ensureBroker(plan, switchPid, onProgress);
  const hosts = Promise.all(
    plan.hosts.map(async (host) => {
      await writeHostFiles(plan, host, credentials);
      return { host, init: await ensureHost(plan, host, switchPid, onProgress) };
    }),
  );
  const booted = (await Promise.all([hosts, broker]))[0];
  const links = await readLinks(name);
  await applyPartitions(plan, switchPid, links);
  for (const site of plan.sites ?? [])
    if (isShaped(links[site] ?? {})) await applySiteShape(plan, switchPid, site, links[site]!);
  if (options.agents !== false) {
    const reached = plan.hosts.filter((host) => reachesBroker(plan, links, host));
    await withBroker(plan, async (rpc) => {
      await Promise.all(
        booted.map(({ host, init }) =>
          ensureAgent(plan, host, init, reached.includes(host) ? rpc : undefined, onProgress),
        ),
      );
      await untilAcquainted(rpc, reached);
    });
  }
  const empty = emptySites(plan);
  return {
    name,
    directory: paths.directory,
    brokerUrl: brokerUrl(plan),
    credentialsFile: paths.credentials,
    ...(plan.tls ? { tls: certificateFiles(paths.certificates, labOperator('admin')) } : {}),
    hosts: plan.hosts,
    ...(empty.length > 0 ? { emptySites: empty } : {}),
  };
}

/** The plan and the switch. One lab at a time chooses its range; the uplink then shows others what is taken. */
async function ensureNetwork(
  name: string,
  { hosts, sites, tls }: LabUpOptions,
  onProgress: OnProgress,
): Promise<{ plan: LabPlan; switchPid: number }> {
  const known = await readPlan(name);
  if (known && sites && String(known.sites) !== String(sites)) {
    throw new CmigError(
      'conflict',
      `lab ${name} is there, with ${known.sites ? `the sites ${known.sites.join(', ')}` : 'one segment'}`,
      { hint: 'sites are chosen once: take the lab down first, or give the new one another --name' },
    );
  }
  if (known && tls && !known.tls)
    throw new CmigError('conflict', `lab ${name} is without TLS`, {
      hint: 'take it down first: cmig lab down',
    });
  const wanted = hostNames(Math.max(known?.hosts.length ?? 0, hosts ?? (known ? 0 : 3)));
  const running = await findSwitch(name);
  if (known && running !== undefined) {
    const plan = { ...known, hosts: wanted };
    if (wanted.length > known.hosts.length) await writePlan(plan);
    onProgress({ part: 'network', name: 'network', state: 'kept' });
    return { plan, switchPid: running };
  }
  return reported(onProgress, 'network', 'network', async () => {
    // Machines that still run are plugged into a switch that is no more.
    for (const [machine, init] of await runningMachines(name)) await powerOff(name, machine, init, undefined);
    const choosing = await acquireLabLock('choice-of-range');
    try {
      const { used, taken } = await usedRanges(name);
      if (known && !isOctetFree(known.octet, used, taken)) {
        throw new CmigError(
          'conflict',
          `the range 10.${known.octet}.0.0/16 of lab ${name} is now used otherwise`,
          {
            hint: `take the lab down and up again, so that it chooses another one`,
          },
        );
      }
      const chosen = known?.sites ?? sites;
      const plan: LabPlan = {
        name,
        octet: known?.octet ?? chooseOctet(used, taken),
        hosts: wanted,
        ...((known?.tls ?? tls) ? { tls: true } : {}),
        ...(chosen ? { sites: [...chosen] } : {}),
      };
      await writePlan(plan);
      return { plan, switchPid: await createNetwork(plan) };
    } finally {
      await choosing.release();
    }
  });
}
