// What speaks against a migration, asked of both hosts before anything is changed; every problem, not the first.

import { existsSync } from 'node:fs';
import { measureClocks } from '../../src/broker/measure-clocks.ts';
import type { Problem } from '../../src/contract/fault.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import { protocolVersion } from '../../src/contract/protocol.ts';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { missingInstructions, readInstructions } from '../cpu/cpu-instructions.ts';
import { lookAtCode } from '../cpu/look-at-code.ts';
import { refuseCpuFor } from '../cpu/refuse-cpu.ts';
import { policyHint, policyRefusal } from '../runtime/policy.ts';
import { readApplicationUse } from './application-use.ts';
import { findSkews } from './find-skews.ts';
import {
  diskAvailableBytes,
  dumpCpuInfo,
  hasResourceCapability,
  memoryAvailableBytes,
  processesOf,
  readAppArmorProfiles,
  readHostFacts,
  refuseCpu,
} from './host-facts.ts';
import type { Machine } from './machine.ts';

const MiB = 2 ** 20;
/** Kept free on the destination beside what arrives. */
const reserveBytes = 64 * MiB;
const inMiB = (bytes: number): string => `${Math.ceil(bytes / MiB)} MiB`;

/** @throws CmigError `not-found` where this host has no such application */
export async function preflightSource(
  machine: Machine,
  { application, to }: Params<'migration.preflight.source'>,
): Promise<Result<'migration.preflight.source'>> {
  const { context, applications, supervisor, hosts, transfer, network } = machine;
  const here = context.config.name;
  const record = await applications.get(application);
  if (!record) throw new CmigError('not-found', `there is no application ${application} on ${here}`);
  const problems: Problem[] = [];
  const add = (where: string, message: string, hint: string) => problems.push({ where, message, hint });

  if (record.migration) {
    add(
      'state',
      `${application} is part of migration ${record.migration.id}`,
      `see: cmig describe migration ${record.migration.id}`,
    );
  }
  if (record.desired === 'stopped')
    add('state', `${application} is stopped`, `start it first: cmig start ${application}`);
  const { status } = await supervisor.describe(application);
  if (record.desired === 'running') {
    for (const { name, state } of status.containers.filter((each) => each.state !== 'Running')) {
      add(
        'state',
        `container ${name} is ${state}, not Running`,
        `see: cmig describe application ${application}`,
      );
    }
  }
  if (!(await hasResourceCapability())) {
    for (const { name, user } of record.manifest.spec.containers) {
      if (user === undefined || user.split(':')[0] === '0') continue;
      add(
        'capabilities',
        `container ${name} runs as user ${user}, and the agent of ${here} lacks CAP_SYS_RESOURCE, without which criu cannot dump it`,
        'run the agent with all capabilities, or the container as user 0',
      );
    }
  }
  const peer = hosts.find(to);
  if (!peer) {
    add('peer', `${here} has not heard of ${to} yet`, `is its agent running? see: cmig describe host ${to}`);
  } else {
    await transfer.connect(peer).catch((error: Error) => {
      add(
        'ssh',
        `${here} cannot send to ${to}: ${error.message}`,
        error instanceof CmigError ? (error.hint ?? '') : '',
      );
    });
  }
  const report = { problems, warnings: [] };
  if (problems.length > 0) return { report };
  const processes = await processesOf(machine, record);
  const { memoryBytes, ...uses } = await readApplicationUse(processes);
  const host = { name: here, env: context.programs.env };
  const code = await lookAtCode(record.manifest, processes, host);
  return {
    report,
    facts: {
      ...(await readHostFacts(context.programs)),
      uses,
      manifest: record.manifest,
      images: record.images,
      epoch: record.epoch,
      createdAt: record.createdAt,
      address: record.address,
      mac: record.mac,
      protocolVersion,
      cpuinfo: await dumpCpuInfo(context.programs),
      instructions: await readInstructions(),
      ...(code ? { code } : {}),
      memoryBytes,
      diskBytes: await diskOf(machine, application),
      connections: await network.countConnections(application, record.address),
    },
  };
}

export async function preflightDestination(
  machine: Machine,
  { from, facts }: Params<'migration.preflight.destination'>,
): Promise<Result<'migration.preflight.destination'>> {
  const { context, applications, hosts } = machine;
  const here = context.config.name;
  const { name } = facts.manifest.metadata;
  const problems: Problem[] = [];
  const add = (where: string, message: string, hint: string) => problems.push({ where, message, hint });
  const [own, clocks, profiles] = await Promise.all([
    readHostFacts(context.programs),
    measureClocks(context.rpc, from),
    readAppArmorProfiles(),
  ]);

  if (facts.protocolVersion !== protocolVersion) {
    add(
      'protocol',
      `${from} speaks protocol ${facts.protocolVersion}, ${here} speaks ${protocolVersion}`,
      'bring both agents to one version',
    );
  }
  if (own.architecture !== facts.architecture) {
    add(
      'architecture',
      `${from} is ${facts.architecture}, ${here} is ${own.architecture}`,
      'choose a host of the same architecture',
    );
  } else {
    const lacking = async (): Promise<string | undefined> => {
      const missing = missingInstructions(facts.instructions ?? [], await readInstructions());
      const lacks =
        missing.join(', ') ||
        (await refuseCpu(context.programs, facts.cpuinfo).catch((error) => {
          if (codeOf(error) !== 'unsupported') throw error;
          add('criu', `${here}: ${error.message}`, error.hint);
        }));
      return lacks ? `${here} lacks CPU features of ${from}: ${lacks}` : undefined;
    };
    const refusal = await refuseCpuFor(facts, { name: here, env: context.programs.env }, lacking);
    if (refusal) add('cpu', refusal.message, refusal.hint);
  }
  const skews = findSkews({
    from: { ...facts, name: from },
    to: { ...own, name: here, profiles },
    uses: facts.uses,
    clocks,
  });
  problems.push(...skews.problems);
  const present = await applications.get(name);
  if (present) {
    add(
      'name',
      `${here} has an application ${name} already (epoch ${present.epoch})`,
      `see: cmig get applications ${name}`,
    );
  }
  const refusal = policyRefusal(facts.manifest, context.config);
  if (refusal) add('policy', refusal, policyHint);
  if (hosts.own.unschedulable) {
    add(
      'cordon',
      `${here} is cordoned: it takes no further application`,
      `choose another host, or lift it: cmig uncordon ${here}`,
    );
  }
  const owner = (await applications.list()).find(
    (each) => each.address === facts.address && each.manifest.metadata.name !== name,
  );
  if (owner) {
    add(
      'address',
      `${facts.address} belongs to ${owner.manifest.metadata.name} on ${here}`,
      'give one of them another address',
    );
  }
  const memory = await memoryAvailableBytes();
  if (memory < facts.memoryBytes) {
    add(
      'memory',
      `${name} uses ${inMiB(facts.memoryBytes)}, ${here} has ${inMiB(memory)} of memory left`,
      'free memory, or choose another host',
    );
  }
  const disk = await diskAvailableBytes(context.paths.dataDirectory);
  const needed = facts.memoryBytes + facts.diskBytes + reserveBytes;
  if (disk < needed) {
    add(
      'disk',
      `${name} needs ${inMiB(needed)} on disk, ${here} has ${inMiB(disk)} left in ${context.paths.dataDirectory}`,
      'free space, or choose another host',
    );
  }
  if (!existsSync(`/sys/class/net/${context.config.network.bridge}`)) {
    add(
      'network',
      `${here} has no bridge ${context.config.network.bridge}`,
      "create it, or name another in the agent's configuration",
    );
  }
  if (!hosts.find(from))
    add(
      'peer',
      `${here} has not heard of ${from} yet`,
      `is its agent running? see: cmig describe host ${from}`,
    );
  return { report: { problems, warnings: skews.warnings } };
}

/** Writable layers, logs and volumes. */
async function diskOf({ context }: Machine, application: string): Promise<number> {
  const folder = context.paths.application(application);
  // Not into the overlays' mount points, which would count the images too.
  const { stdout } = await runProcess('du', ['-sbx', folder], {
    allowedExitCodes: [0, 1],
    timeoutMs: 25_000,
  });
  return Number.parseInt(stdout, 10) || 0;
}
