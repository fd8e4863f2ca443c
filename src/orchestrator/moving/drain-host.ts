// Empties a host: nothing more comes to it, and what runs on it is moved to where there is room.
import type { Application } from '../../contract/application.ts';
import { CmigError } from '../../core/errors.ts';
import type { OrchestratorContext } from '../context.ts';
import { cordonHost } from '../cordoning.ts';
import { findHost, findReadyHost } from '../finding.ts';
import { type Inventory, readInventory } from '../inventory.ts';
import { parseSelector } from '../selector.ts';
import { Destinations, eligibleHosts, type Load, planMoves, whyNone } from './destinations.ts';
import { leftOf } from './left-behind.ts';
import { measureApplications } from './measure-applications.ts';
import { type MovingOptions, moveMany } from './move-many.ts';
import { type MoveResult, worstOf } from './move-result.ts';

/** Of a dry run nothing is cordoned. */
export interface DrainOptions extends MovingOptions {
  host: string;
  /** Only to these hosts; to all if empty. */
  to: readonly string[];
  /** Only to hosts with these labels. */
  toSelector?: string | undefined;
  /** Only applications with these labels. */
  selector?: string | undefined;
  onCordoned: (changed: boolean) => void;
}

/** What `drain -o json` prints; stable. */
export interface DrainReport {
  host: string;
  dryRun: boolean;
  /** Nothing that was to leave has stayed. */
  drained: boolean;
  applications: MoveResult[];
  warnings: string[];
}

/** @throws CmigError before anything was moved: `not-found`, `invalid`, `unreachable`. The rest is in the report. */
export async function drainHost(context: OrchestratorContext, options: DrainOptions): Promise<DrainReport> {
  const { host, dryRun, signal } = options;
  const matches = options.selector === undefined ? () => true : parseSelector(options.selector);
  const toSelector = options.toSelector === undefined ? undefined : parseSelector(options.toSelector);
  checkNames(await readInventory(context, { parts: [] }), options);
  if (!dryRun) options.onCordoned((await cordonHost(context, host, true)).changed);
  // Read only now: whatever came before the cordon is there.
  const [inventory, used] = await Promise.all([readInventory(context), measureApplications(context, host)]);
  findReadyHost(inventory, host);
  const here = inventory.applications.filter(
    ({ metadata, status }) => status.host === host && matches(metadata.labels),
  );
  const left = here.flatMap((application) => leftOf(application) ?? []);
  const loads = here.filter((application) => !leftOf(application)).map((each) => loadOf(each, used));
  const wanted = { from: host, to: options.to, selector: toSelector };
  const destinations = new Destinations(
    eligibleHosts(inventory.hosts, wanted),
    whyNone(inventory.hosts, wanted),
  );
  const plans = planMoves(loads, destinations);
  const loadNamed = (name: string): Load => loads.find(({ application }) => application === name)!;
  const moved = await moveMany(context, {
    ...options,
    moves: plans.map(({ load, choice }) => ({ application: load.application, from: host, choice })),
    again({ application }, refused) {
      const load = loadNamed(application);
      const last = [...refused].at(-1);
      if (last !== undefined) destinations.giveBack(load, last);
      return destinations.take(load, refused);
    },
  });
  return {
    host,
    dryRun,
    drained: !dryRun && worstOf(moved, signal.aborted) === undefined,
    applications: [...moved, ...left],
    warnings: warningsOf(inventory, options, used === undefined && loads.length > 0),
  };
}

function checkNames(inventory: Inventory, { host, to }: DrainOptions): void {
  findHost(inventory, host);
  for (const name of to) findHost(inventory, name);
  if (!to.includes(host)) return;
  throw new CmigError('invalid', `${host} cannot be drained to itself`, { hint: 'leave it out of --to' });
}

const loadOf = ({ metadata, spec }: Application, used: Map<string, number> | undefined): Load => ({
  application: metadata.name,
  memoryBytes: used?.get(metadata.name) ?? 0,
  hostSelector: spec.migration?.hostSelector,
});

function warningsOf(inventory: Inventory, { host }: DrainOptions, unmeasured: boolean): string[] {
  const warnings = inventory.migrations
    .filter(({ spec, status }) => spec.to === host && status.outcome === undefined)
    .map(
      ({ metadata, spec }) =>
        `${spec.application} is on its way to ${host} (${metadata.name}): drain again when it has come`,
    );
  if (unmeasured)
    warnings.push(
      `${host} did not tell how much memory its applications use: they were placed without regard to it`,
    );
  const kept = inventory.checkpoints.filter(({ status }) => status.host === host).length;
  if (kept > 0) warnings.push(`checkpoints do not move along: ${host} keeps ${kept} (cmig get checkpoints)`);
  return [...inventory.warnings, ...warnings];
}
