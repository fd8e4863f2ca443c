// Takes a host out of the installation: what runs there moves off, its set-up is undone, and the other hosts forget it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownHost } from '../../contract/host.ts';
import { agentQueue } from '../../contract/protocol.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';
import { projectFolder } from '../../core/project-folder.ts';
import type { OrchestratorContext } from '../context.ts';
import { findHost } from '../finding.ts';
import { listHosts, readInventory } from '../inventory.ts';
import { type DrainReport, drainHost } from '../moving/drain-host.ts';
import { hostFolder } from './installed-files.ts';
import { lookAtHost } from './look.ts';
import { removalArguments } from './packages.ts';
import { reporting } from './run-steps.ts';
import type { SshSession } from './ssh-session.ts';

export interface RemoveHostOptions {
  name: string;
  /** Of the machine; undefined where it is lost for good, and is only forgotten. */
  session: SshSession | undefined;
  /** What was installed for it stays. */
  keepPackages: boolean;
  parallel: number;
  signal: AbortSignal;
  onProgress: OnProgress;
  caller: string;
}

/** What `host remove -o json` prints; stable. */
export interface RemoveHostReport {
  host: string;
  /** Where it was emptied by this very call. */
  drain?: DrainReport;
  /** Hosts that could not be told: they learn it when they are up again. */
  untold: string[];
  /** The machine runs the broker, and goes on doing so. */
  isBroker?: true;
  /** The broker does not let this caller take away the queue of the host. */
  queueLeft?: string;
}

/** The record of a host. @throws CmigError `not-found` with near names */
export async function recordOf(context: OrchestratorContext, name: string): Promise<KnownHost> {
  const found = (await listHosts(context)).find((each) => each.name === name);
  if (found) return found;
  findHost(await readInventory(context, { parts: [] }), name);
  throw new CmigError('not-found', `there is no host ${name}`);
}

/** @throws CmigError `conflict` where something stays on it; whatever was done stays, and a second run goes on there */
export async function removeHost(
  context: OrchestratorContext,
  options: RemoveHostOptions,
): Promise<RemoveHostReport> {
  const { name, session, onProgress } = options;
  const record = await recordOf(context, name);
  const steps = session ? [emptying, undoing, forgetting] : [forgetting];
  onProgress({ type: 'planned', steps });
  let drain: DrainReport | undefined;
  let isBroker = false;
  if (session) {
    const facts = await lookAtHost(session, []);
    isBroker = facts.isBroker;
    if (!facts.isAdded && facts.configuration)
      throw new CmigError('conflict', `${name} was set up by hand, and not by "cmig host add"`, {
        hint: `drain it and stop its agent yourself; then: cmig host remove ${name} --lost`,
      });
    // An agent that runs may have been given something since.
    if (facts.isAdded && (facts.isRunning || !facts.isLeaving)) {
      drain = await step(onProgress, emptying, () => empty(context, options));
      await session.run('echo >"$1"', { args: [`${hostFolder}/leaving`] });
    }
    await step(onProgress, undoing, async () => {
      if (!facts.isAdded) return;
      const script = await readFile(join(projectFolder(), 'scripts/host/undo.sh'), 'utf8');
      await session.run(script, { args: options.keepPackages ? [] : removalArguments(facts, 'broker') });
    });
  }
  const untold = await step(onProgress, forgetting, () => forget(context, record));
  const isGone = await removeQueue(context, agentQueue(name));
  const queueLeft = isGone ? {} : { queueLeft: agentQueue(name) };
  return {
    host: name,
    ...(drain ? { drain } : {}),
    untold,
    ...(isBroker ? { isBroker } : {}),
    ...queueLeft,
  };
}

const emptying = { step: 'drain', title: 'applications' };
const undoing = { step: 'undo', title: 'what was put there' };
const forgetting = { step: 'forget', title: 'the other hosts' };

async function step<T>(
  onProgress: OnProgress,
  { step: name }: { step: string },
  work: () => Promise<T>,
): Promise<T> {
  onProgress({ type: 'begun', step: name });
  return reporting(onProgress, name, work);
}

/** Moves off what runs there. @throws CmigError `conflict` that names what is left */
async function empty(context: OrchestratorContext, options: RemoveHostOptions): Promise<DrainReport> {
  const { name } = options;
  const report = await drainHost(context, {
    ...{ host: name, to: [], parallel: options.parallel, dryRun: false },
    ...{ signal: options.signal, caller: options.caller },
    onProgress: () => {},
    onCordoned: () => {},
  });
  const { applications, checkpoints } = await readInventory(context);
  const left = [
    ...applications
      .filter(({ status }) => status.host === name)
      .map(({ metadata, status }) => `the application ${metadata.name} (${status.phase})`),
    ...checkpoints
      .filter(({ status }) => status.host === name)
      .map(({ metadata }) => `the checkpoint ${metadata.name}`),
  ];
  if (left.length === 0) return report;
  throw new CmigError(
    'conflict',
    `${name} still has ${left[0]}${left.length > 1 ? ` and ${left.length - 1} more` : ''}`,
    {
      problems: left.map((message) => ({ message })),
      hint: 'delete it, or move it by hand (cmig migrate, cmig checkpoint export), and run it again; the host stays cordoned',
    },
  );
}

/** With what waits in it. An agent that lives makes it anew. @returns whether it is gone */
async function removeQueue({ connection }: OrchestratorContext, queue: string): Promise<boolean> {
  const channel = await connection.channel({ quiet: true });
  try {
    await channel.deleteQueue(queue);
    await channel.close();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 403) return false;
    throw error;
  }
}

/** @returns those that could not be told */
async function forget(context: OrchestratorContext, record: KnownHost): Promise<string[]> {
  const { lastSeen: _, ...known } = record;
  const host = { ...known, gone: true, version: Math.max(Date.now(), known.version + 1) };
  // Where it was the only one, nobody is left to be told.
  const all = await listHosts(context).catch((error) => {
    if (codeOf(error) !== 'unreachable') throw error;
    return [];
  });
  const others = all.filter(({ name }) => name !== record.name);
  const told = await Promise.all(
    others.map(({ name }) =>
      context.rpc.call(name, 'host.put', { host }, { failFast: true }).then(
        () => undefined,
        () => name,
      ),
    ),
  );
  return told.filter((name) => name !== undefined);
}
