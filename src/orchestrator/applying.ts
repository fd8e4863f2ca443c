// Brings hosts to what manifests say: creates what is new, updates in place what differs, leaves alone what is equal.
import type { Application } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import { throwAll } from '../core/throw-all.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { type ApplyPlan, planApply, type WantedApplication } from './apply-plan.ts';
import type { OrchestratorContext } from './context.ts';
import { deployPlanned } from './deploying.ts';
import { withApplicationMutex } from './exclusive.ts';
import { refuseHostPorts } from './host-ports.ts';
import { ImageResolver } from './image-resolving.ts';
import { readInventory } from './inventory.ts';
import { applicationsAway, requireNameFree } from './last-holder.ts';

export interface ApplyResult {
  name: string;
  outcome: ApplyPlan['outcome'];
  host: string;
  address: string;
  notes: string[];
  /** As it is when `apply` ends; absent for a dry run. */
  application?: Application;
}

export interface ApplyOptions {
  dryRun?: boolean;
  /** End only when all containers are ready. One that is stopped fails, for it is not started. */
  wait?: boolean;
  /** For each application, with `wait`; no limit if absent. */
  timeoutMs?: number | undefined;
  onProgress?: OnProgress;
  /** Called with each application as it is done. */
  onResult?: (result: ApplyResult) => void;
  /** Aborted: no more is begun, and what is being uploaded is given up. */
  signal?: AbortSignal;
}

/**
 * Plans everything before it changes anything, so that a bad manifest among many changes nothing.
 * @throws CmigError of the first problem, with all of them as `problems` where there are several
 */
export async function applyApplications(
  context: OrchestratorContext,
  wanted: readonly WantedApplication[],
  options: ApplyOptions = {},
): Promise<ApplyResult[]> {
  const onProgress = options.onProgress ?? (() => {});
  const resolver = new ImageResolver();
  const plan = async (some: readonly WantedApplication[], report: OnProgress) => {
    const inventory = await readInventory(context);
    for (const { manifest } of some) await refuseHostPorts(context, inventory, manifest);
    const away = await applicationsAway(context, inventory);
    const plans = await planApply(inventory, some, resolver, report, away);
    for (const { existing, wanted } of plans) {
      if (!existing) requireNameFree(away, wanted.manifest.metadata.name);
    }
    return plans;
  };
  const plans = await unlessAborted(plan(wanted, onProgress), options.signal, 'cmig apply');
  const results: ApplyResult[] = [];
  const done = (result: ApplyResult) => {
    results.push(result);
    options.onResult?.(result);
  };
  if (options.dryRun) {
    for (const each of plans) done(resultOf(each, isStopped(each.existing) ? stopped(each) : undefined));
    return results;
  }
  const failures: CmigError[] = [];
  for (const { wanted: one } of plans) {
    const { name } = one.manifest.metadata;
    try {
      // Planned again, once nobody else can change it: what was planned may be out of date.
      const replan = async () => (await plan([one], () => {}))[0]!;
      const exclusively = <T>(work: () => Promise<T>) =>
        withApplicationMutex(context, name, 'cmig apply', work);
      const deployed = await deployPlanned(context, exclusively, replan, options);
      const { application } = deployed;
      const unready = isStopped(application) ? stopped(deployed.plan) : undefined;
      done({ ...resultOf(deployed.plan, options.wait ? undefined : unready), application });
      if (options.wait && unready) throw unready;
    } catch (error) {
      // One that fails does not keep the others.
      if (!(error instanceof CmigError) || plans.length === 1 || options.signal?.aborted) throw error;
      failures.push(error);
    }
  }
  throwAll(failures, `${failures.length} of ${plans.length} applications were not applied`);
  return results;
}

const isStopped = (application: Application | undefined): boolean => application?.status.phase === 'Stopped';

/** Who has stopped it wants it so: no manifest says that it runs. */
function stopped({ wanted }: ApplyPlan): CmigError {
  const { name } = wanted.manifest.metadata;
  return new CmigError('failed', `application ${name} is stopped, and apply does not start it`, {
    hint: `start it with: cmig start ${name}`,
  });
}

/** @param remark what does not fail, and is worth a word */
const resultOf = (
  { wanted, outcome, host, address, notes }: ApplyPlan,
  remark: CmigError | undefined,
): ApplyResult => ({
  name: wanted.manifest.metadata.name,
  outcome,
  host: host.metadata.name,
  address,
  notes: remark ? [...notes, `${remark.message}; ${remark.hint}`] : notes,
});
