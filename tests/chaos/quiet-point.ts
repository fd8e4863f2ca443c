// All that there is when nothing goes on, held against what it may be.
import type { Application, ApplicationManifest } from '../../src/contract/application.ts';
import type { Checkpoint } from '../../src/contract/checkpoint.ts';
import type { Host } from '../../src/contract/host.ts';
import type { Ended } from './commands.ts';
import type { KnownCheckpoint, World } from './draw.ts';
import { type Claimed, inspect } from './inspect.ts';
import { type Deed, isSame, type State, tellState } from './model.ts';
import { portProblems, screenProblems } from './screens.ts';
import { checkpointProblems, cordonProblems } from './verdicts.ts';

export interface QuietPoint {
  lab: string;
  cmig: (...args: string[]) => Promise<string>;
  hosts: readonly { name: string; address: string }[];
  /** Of all applications that may be there. */
  names: readonly string[];
  /** As it was at the last one; empty before the first. */
  world: World;
  allowed: ReadonlyMap<string, State[]>;
  deeds: ReadonlyMap<string, Deed[]>;
  ended: readonly Ended[];
  /** Counts up: what is dear is looked at now and then only. */
  turn: number;
}

/** @returns what is not as it may be, or may not be yet; or else the world as it is now */
export async function lookAround(
  point: QuietPoint,
): Promise<{ problems: string[]; world: World | undefined }> {
  const { lab, cmig, hosts, names, world, allowed, deeds, ended, turn } = point;
  const all = await listAll(cmig);
  const told = all.filter((each) => each.kind === 'Host');
  const unready = told.filter(({ status }) => status.condition !== 'Ready');
  if (unready.length > 0 || told.length !== hosts.length)
    return {
      problems: unready.map(({ metadata }) => `${metadata.name} is not ready`),
      world: undefined,
    };
  const applications = all.filter((each) => each.kind === 'Application');
  const problems: string[] = [];
  const twice = applications.filter(
    ({ metadata }, index) => applications.findIndex((each) => each.metadata.name === metadata.name) !== index,
  );
  for (const { metadata } of twice) problems.push(`${metadata.name} is told twice`);
  const found = new Map<string, { state: State; manifest: ApplicationManifest | undefined }>();
  const first = world.applications.size === 0;
  for (const name of names) {
    const application = applications.find(({ metadata }) => metadata.name === name);
    const state = application && stateOf(application);
    if (application && !state) {
      const { phase, message = '' } = application.status;
      problems.push(`${name} is ${phase} on ${application.status.host} ${message}`);
      continue;
    }
    const may = allowed.get(name)!;
    if (!first && !may.some((each) => isSame(each, state)))
      problems.push(
        `${name} is ${tellState(state)}, and was ${tellState(world.applications.get(name)?.state)}; it may be ${may.map(tellState).join(' or ') || 'nothing: what the commands said cannot be'}`,
      );
    found.set(name, { state, manifest: application && manifestOf(application) });
  }
  const claimed: Claimed[] = applications.map((each) => ({
    name: each.metadata.name,
    host: each.status.host,
    address: each.status.address,
    mac: each.status.mac,
    containers: each.spec.containers.map(({ name }) => name),
    runs: each.status.phase === 'Running',
  }));
  const inspection = await inspect(lab, hosts, claimed);
  problems.push(...inspection.problems);
  if (problems.length > 0) return { problems, world: undefined };
  if (turn % 3 === 0)
    problems.push(
      ...(await screenProblems(
        cmig,
        hosts.map(({ name }) => name),
        applications,
        turn,
      )),
    );
  problems.push(...(await portProblems(hosts, applications)));
  const checkpoints = all.filter((each) => each.kind === 'Checkpoint');
  const listed = checkpoints.map(
    (each) => `${each.status.host} ${each.spec.application}/${each.metadata.name}`,
  );
  if (listed.sort().join() !== inspection.checkpoints.sort().join())
    problems.push(`checkpoints are [${inspection.checkpoints}] on disk, and told are [${listed}]`);
  if (!first) problems.push(...checkpointProblems(checkpoints, ended, world));
  const cordoned = new Set(
    told.filter(({ spec }) => spec.unschedulable).map(({ metadata }) => metadata.name),
  );
  if (!first)
    problems.push(
      ...cordonProblems(
        hosts.map(({ name }) => name),
        cordoned,
        ended,
        world,
      ),
    );
  return {
    problems,
    world: { applications: found, checkpoints: know(checkpoints, deeds, found, world), cordoned },
  };
}

async function listAll(cmig: QuietPoint['cmig']): Promise<(Host | Application | Checkpoint)[]> {
  return JSON.parse(await cmig('get', 'hosts,applications,checkpoints', '-o', 'json')).items;
}

/** What a checkpoint was taken of: whatever its application may have been meanwhile. */
function know(
  checkpoints: readonly Checkpoint[],
  deeds: ReadonlyMap<string, Deed[]>,
  found: World['applications'],
  before: World,
): Map<string, KnownCheckpoint> {
  const known = new Map<string, KnownCheckpoint>();
  for (const { metadata, spec, status } of checkpoints) {
    const others = known.get(metadata.name);
    const earlier = before.checkpoints.get(metadata.name);
    const version = metadata.labels?.version;
    const guesses = [
      ...(deeds.get(spec.application) ?? []).flatMap((deed) => deed.version ?? []),
      found.get(spec.application)?.state?.version,
      before.applications.get(spec.application)?.state?.version,
    ].filter((each) => each !== undefined);
    known.set(metadata.name, {
      application: spec.application,
      versions: earlier?.versions ?? (version ? [version] : guesses),
      hosts: [...(others?.hosts ?? []), status.host],
      scheduled: spec.reason === 'schedule',
    });
  }
  return known;
}

/** Nothing while it is on its way from one to another. */
function stateOf({ metadata, status }: Application): State {
  const version = metadata.labels?.version ?? '?';
  if (status.phase === 'Running') return { host: status.host, runs: true, version };
  if (status.phase === 'Stopped') return { host: status.host, runs: false, version };
  return undefined;
}

const manifestOf = ({ apiVersion, kind, metadata, spec }: Application): ApplicationManifest => ({
  apiVersion,
  kind,
  metadata,
  spec,
});
