// Moves one application to another host: plan, run, and tell the true outcome.
import { randomBytes } from 'node:crypto';
import { acquireMutex } from '../../broker/mutex.ts';
import type { Fault, Problem } from '../../contract/fault.ts';
import type { MigrationBytes, MigrationOutcome } from '../../contract/migration.ts';
import { CmigError, toFault } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { OrchestratorContext } from '../context.ts';
import { findApplication, findHost, readInventory } from '../inventory.ts';
import { keepLease } from './lease.ts';
import { MigrationNews } from './migration-news.ts';
import { runSteps } from './run-steps.ts';
import type { MigrationRun } from './step.ts';
import { chooseStrategy } from './strategies/registry.ts';

export interface MigrateOptions {
  application: string;
  to: string;
  /** Where it must be for this to make sense; wherever it is if absent. */
  from?: string | undefined;
  /** `auto` if absent. */
  strategy?: string | undefined;
  /** Plan and preflight only. */
  dryRun?: boolean | undefined;
  /** Aborted: the migration turns back where it still can, and its true outcome is reported. */
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  /** Who holds the mutex, for the one who finds it taken. */
  caller: string;
}

/** What `cmig migrate -o json` prints; stable. Times in milliseconds, sizes in bytes. */
export interface MigrationReport {
  migration: string;
  application: string;
  from: string;
  to: string;
  strategy: string;
  /** Absent for a dry run. */
  outcome?: MigrationOutcome;
  /** The titles of the steps, in order; for a dry run. */
  plan?: string[];
  frozenMs: number;
  phases: Record<string, number>;
  totalMs: number;
  bytes: MigrationBytes & { total: number };
  connections: number;
  warnings: string[];
  /** The warnings of preflight in their parts: the check, what differs where, what to do, where to read of it. */
  findings: Problem[];
  error?: Fault;
}

const leaseMs = 10_000;

/**
 * @throws CmigError before anything was changed: `not-found`, `conflict` (same host, another operation under way),
 * `unreachable`, `preflight-refused`. Everything after that is an outcome of the report.
 */
export async function migrate(
  context: OrchestratorContext,
  options: MigrateOptions,
): Promise<MigrationReport> {
  const startedAt = performance.now();
  const signal = options.signal ?? new AbortController().signal;
  const mutex = await acquireMutex(context.connection, options.application, options.caller);
  try {
    const run = await openRun(context, options);
    const { steps, name } = chooseStrategy(run.strategy);
    run.strategy = name;
    const planned = options.dryRun ? steps.slice(0, 1) : steps;
    run.onProgress({ type: 'planned', steps: planned.map(({ name, title }) => ({ step: name, title })) });
    const lease = keepLease(context.rpc, [run.from.metadata.name, run.to.metadata.name], run.id, leaseMs);
    try {
      const { failed } = await runSteps(planned, run, signal);
      // Refused, or cancelled before anything was begun: nothing has happened that would need a report.
      if (failed?.step === 'preflight') throw failed.error;
      const report = toReport(run, performance.now() - startedAt);
      if (options.dryRun) return { ...report, plan: steps.map(({ title }) => title) };
      return { ...report, ...outcomeOf(run, failed) };
    } finally {
      lease.stop();
      await run.news.close();
    }
  } finally {
    await mutex.release();
  }
}

async function openRun(context: OrchestratorContext, options: MigrateOptions): Promise<MigrationRun> {
  chooseStrategy(options.strategy ?? 'auto');
  const inventory = await readInventory(context);
  const application = findApplication(inventory, options.application);
  const to = findHost(inventory, options.to);
  const from = findHost(inventory, application.status.host);
  if (options.from !== undefined && options.from !== from.metadata.name) {
    throw new CmigError(
      'conflict',
      `${options.application} has left ${options.from}: it is on ${from.metadata.name}`,
    );
  }
  if (from.metadata.name === to.metadata.name) {
    throw new CmigError('conflict', `${options.application} already runs on ${to.metadata.name}`, {
      hint: 'choose another host: cmig get hosts',
    });
  }
  for (const host of [from, to]) {
    if (host.status.condition === 'Ready') continue;
    throw new CmigError(
      'unreachable',
      `${host.metadata.name} is ${host.status.condition}: ${host.status.message ?? 'it does not answer'}`,
      {
        host: host.metadata.name,
        hint: `see: cmig describe host ${host.metadata.name}`,
      },
    );
  }
  const id = `m-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
  const news = await MigrationNews.open(context.connection, id);
  const { onProgress = () => {} } = options;
  const migration = {
    ...{ migration: id, application: application.metadata.name },
    ...{ from: from.metadata.name, to: to.metadata.name },
  };
  const run: MigrationRun = {
    ...context,
    id,
    application,
    from,
    to,
    strategy: options.strategy ?? application.spec.migration?.strategy ?? 'auto',
    leaseMs,
    onProgress: (event) => onProgress({ type: 'migrating', migration, event }),
    news,
    phases: {},
    bytes: { presync: 0, files: 0, memory: 0 },
    connections: 0,
    warnings: [],
    findings: [],
  };
  news.onEvent((event) => onProgress({ type: 'heard', event }));
  return run;
}

function toReport(run: MigrationRun, totalMs: number): Omit<MigrationReport, 'outcome' | 'error'> {
  const { bytes } = run;
  return {
    migration: run.id,
    application: run.application.metadata.name,
    from: run.from.metadata.name,
    to: run.to.metadata.name,
    strategy: run.strategy,
    frozenMs: Math.round(run.ending?.status.frozenMs ?? 0),
    phases: run.phases,
    totalMs: Math.round(totalMs),
    bytes: { ...bytes, total: bytes.presync + bytes.files + bytes.memory },
    connections: run.connections,
    warnings: run.warnings,
    findings: run.findings,
  };
}

// The source's word decides, since it never ends without knowing what the destination did.
function outcomeOf(
  run: MigrationRun,
  failed: Awaited<ReturnType<typeof runSteps>>['failed'],
): Pick<MigrationReport, 'outcome' | 'error'> {
  if (!failed) return { outcome: 'committed' };
  const error = toFault(failed.error);
  // Only what follows the commit has failed: the application runs at its destination.
  if (failed.step === 'finish') {
    run.warnings.push(
      `${run.from.metadata.name} could not yet be cleaned up: ${error.message}; it does so by itself`,
    );
    return { outcome: 'committed' };
  }
  const outcome = run.ending?.status.outcome;
  if (outcome === 'committed') {
    run.warnings.push(`the command had trouble in between: ${error.message}`);
    return { outcome };
  }
  // A source that has no journal of it was never asked to begin.
  if (outcome === 'rolled-back' || (failed.undoErrors.length === 0 && !run.ending)) {
    return { outcome: 'rolled-back', error };
  }
  const silent = run.from.metadata.name;
  const elsewhere = run.endingAtDestination?.status.outcome;
  if (elsewhere === 'committed') {
    run.warnings.push(`${silent} does not answer: it removes what it has left when it hears of the commit`);
    return { outcome: elsewhere };
  }
  // Without a destination that restores, or after it has turned back, there is no other end for the source.
  if (!run.restoring || elsewhere === 'rolled-back') {
    run.warnings.push(
      `${silent} does not answer: it turns back by itself, ${run.leaseMs / 1000} s after this`,
    );
    return { outcome: 'rolled-back', error };
  }
  return {
    outcome: 'needs-attention',
    error: { ...error, problems: failed.undoErrors.map((each) => toFault(each)) },
  };
}
