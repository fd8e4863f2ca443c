// What exists where: asked of all hosts at once, since every host's own disk is the truth for what it runs.

import { anyHost } from '../broker/topology.ts';
import type { Application } from '../contract/application.ts';
import type { Checkpoint } from '../contract/checkpoint.ts';
import type { Host, KnownHost } from '../contract/host.ts';
import type { Image } from '../contract/image.ts';
import type { Params, Result, ShortMethodName } from '../contract/methods.ts';
import type { Migration } from '../contract/migration.ts';
import { apiVersion, protocolVersion } from '../contract/protocol.ts';
import { CmigError, codeOf } from '../core/errors.ts';
import { mergeClaims } from './claims.ts';
import type { OrchestratorContext } from './context.ts';
import { mergeJournals } from './journals.ts';

export { findApplication, findHost, findImage, findReadyHost } from './finding.ts';

export type InventoryPart = 'hosts' | 'applications' | 'checkpoints' | 'images' | 'migrations';

export interface Inventory {
  /** All known hosts; those that did not answer are `NotReady`. */
  hosts: Host[];
  /** Each name once: the claim that counts. */
  applications: Application[];
  /** Every copy, oldest first. */
  checkpoints: Checkpoint[];
  /** Each once for every host that has it. */
  images: Image[];
  /** Each migration once, from both hosts' journals. */
  migrations: Migration[];
  /** Hosts that did not answer (all of) what they were asked. */
  unreachable: string[];
  /** What a person should know, such as two hosts that claim one application. */
  warnings: string[];
}

export interface InventoryOptions {
  /** How long a host may take to answer; 3000 if absent. */
  timeoutMs?: number;
  /** What to ask for; everything but images if absent. Hosts are always named, but only described where asked for. */
  parts?: readonly InventoryPart[];
}

const usualTimeoutMs = 3000;

interface Answers {
  host: Host;
  applications: Application[];
  checkpoints: Checkpoint[];
  images: Image[];
  migrations: Migration[];
  failure?: CmigError;
}

/**
 * Asks any agent which hosts there are, and then each of them.
 * @throws CmigError `unreachable` where no agent answers at all
 */
export async function readInventory(
  context: OrchestratorContext,
  options: InventoryOptions = {},
): Promise<Inventory> {
  const {
    timeoutMs = context.rpc.requestTimeoutMs ?? usualTimeoutMs,
    parts = ['hosts', 'applications', 'checkpoints', 'migrations'],
  } = options;
  const known = await listHosts(context, timeoutMs);
  const answers = await Promise.all(known.map((host) => askHost(context, host, parts, timeoutMs)));
  const { current, warnings } = mergeClaims(answers.flatMap(({ applications }) => applications));
  return {
    hosts: answers.map(({ host }) => host).sort(byName),
    applications: current.sort(byName),
    checkpoints: answers.flatMap(({ checkpoints }) => checkpoints).sort(byCreation),
    images: answers.flatMap(({ images }) => images).sort(byNameAndHost),
    migrations: mergeJournals(answers.flatMap(({ migrations }) => migrations)).sort(byStart),
    unreachable: answers.filter(({ failure }) => failure).map(({ host }) => host.metadata.name),
    warnings,
  };
}

const byName = (a: Host | Application, b: Host | Application) => (a.metadata.name < b.metadata.name ? -1 : 1);
const byCreation = (a: Checkpoint, b: Checkpoint) => a.status.createdAt.localeCompare(b.status.createdAt);
const keyOf = ({ metadata, status }: Image) => `${metadata.name} ${status.host}`;
const byNameAndHost = (a: Image, b: Image) => (keyOf(a) < keyOf(b) ? -1 : 1);
const byStart = (a: Migration, b: Migration) => (a.status.startedAt < b.status.startedAt ? -1 : 1);

/** Those that were removed are not among them. */
export async function listHosts(
  { rpc, connection }: OrchestratorContext,
  timeoutMs = rpc.requestTimeoutMs ?? usualTimeoutMs,
): Promise<KnownHost[]> {
  try {
    const { hosts } = await rpc.call(anyHost, 'host.list', {}, { timeoutMs });
    return hosts.filter(({ gone }) => !gone);
  } catch (error) {
    if (!['unreachable', 'not-found', 'timeout'].includes(codeOf(error))) throw error;
    throw new CmigError('unreachable', `no agent answers through the broker at ${connection.endpoint}`, {
      hint: 'is cmig-agent running on a host that uses this broker? (for a lab: cmig lab status)',
      cause: error,
    });
  }
}

async function askHost(
  { rpc }: OrchestratorContext,
  known: KnownHost,
  parts: readonly InventoryPart[],
  timeoutMs: number,
): Promise<Answers> {
  let failure: CmigError | undefined;
  async function ask<M extends ShortMethodName>(
    method: M,
    params: Params<M>,
  ): Promise<Result<M> | undefined> {
    try {
      return await rpc.call(known.name, method, params, { timeoutMs, failFast: 'meanwhile' });
    } catch (error) {
      if (!(error instanceof CmigError)) throw error;
      failure ??= error;
      return undefined;
    }
  }
  const wants = (part: InventoryPart) => parts.includes(part);
  const [host, applications, checkpoints, images, migrations] = await Promise.all([
    wants('hosts') ? ask('agent.describe', {}) : undefined,
    wants('applications') ? ask('application.list', {}) : undefined,
    wants('checkpoints') ? ask('checkpoint.list', {}) : undefined,
    wants('images') ? ask('image.list', {}) : undefined,
    wants('migrations') ? ask('migration.list', {}) : undefined,
  ]);
  return {
    host: host
      ? { ...host, status: { ...host.status, lastSeen: known.lastSeen } }
      : undescribed(known, failure),
    applications: applications?.applications ?? [],
    checkpoints: checkpoints?.checkpoints ?? [],
    images: images?.images ?? [],
    migrations: migrations?.migrations ?? [],
    ...(failure ? { failure } : {}),
  };
}

/** A host as its peers know it. */
function undescribed(known: KnownHost, failure: CmigError | undefined): Host {
  const incompatible = known.protocolVersion !== protocolVersion || failure?.code === 'incompatible';
  return {
    apiVersion,
    kind: 'Host',
    metadata: { name: known.name, labels: known.labels },
    spec: {
      address: known.address,
      sshPort: known.sshPort,
      ...(known.unschedulable ? { unschedulable: true } : {}),
    },
    status: {
      condition: incompatible ? 'Incompatible' : failure ? 'NotReady' : 'Ready',
      ...(failure ? { message: failure.message } : {}),
      lastSeen: known.lastSeen,
      protocolVersion: known.protocolVersion,
    },
  };
}
