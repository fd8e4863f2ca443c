// Sets an application back to a checkpoint, where it runs or on another host.
import type { Application } from '../contract/application.ts';
import type { Checkpoint, RestoreResult } from '../contract/checkpoint.ts';
import type { Problem } from '../contract/fault.ts';
import { CmigError, codeOf, fromFault } from '../core/errors.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { goesOn } from './changing.ts';
import { findCheckpoint, newCheckpointName } from './checkpoints.ts';
import type { OrchestratorContext } from './context.ts';
import { withApplicationMutex } from './exclusive.ts';
import { findApplication, findReadyHost, refuseCordoned } from './finding.ts';
import { type Inventory, readInventory } from './inventory.ts';
import { type AwayApplication, applicationsAway, requireNameFree } from './last-holder.ts';
import { migrate } from './migration/migrate.ts';

const doing = 'cmig restore';

export interface RestoreOptions {
  application: string;
  checkpoint: string;
  /** If absent, where it runs, or else where the checkpoint is. */
  host?: string | undefined;
  /** What runs before is given up instead of being kept as a checkpoint. */
  discardCurrent?: boolean | undefined;
  /** Who holds the mutex of a migration, for the one who finds it taken. */
  caller: string;
  /** Aborted: nothing more is begun. What a host does is not waited for, a move is, which turns back where it still can. */
  signal?: AbortSignal | undefined;
  /** Called where a move is waited for in spite of that. */
  onTurningBack?: (() => void) | undefined;
}

/** What is to be done, all of it looked at before anything is changed. */
interface Plan {
  present: Application | undefined;
  host: string;
  /** A host that has to send the checkpoint first. */
  sender: string | undefined;
  images: string[];
  /** Hosts that may have these. */
  peers: string[];
}

/**
 * What runs is replaced only when the checkpoint is restored and held. On another host the checkpoint is brought and
 * verified first; then what runs is moved there by a migration, and set back there: whichever of the two fails, it
 * runs, where it then is.
 * @throws CmigError `not-found`; `invalid` where it is another application's; `conflict`; `failed` where it is damaged;
 * `rolled-back` where it could not be moved; `cancelled`
 */
export async function restoreApplication(
  context: OrchestratorContext,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const { application, checkpoint, signal } = options;
  const exclusively = <T>(work: () => Promise<T>) => withApplicationMutex(context, application, doing, work);
  const unlessLeft = <T>(work: Promise<T>, hint?: string): Promise<T> =>
    unlessAborted(work, signal, doing, hint);
  const setBack = async (host: string, before: Application | undefined) => {
    const params = {
      checkpoint,
      keepAs: newCheckpointName(),
      ...(options.discardCurrent ? { discardCurrent: true } : {}),
      ...(before && { epochAbove: before.status.epoch }),
    };
    const restoring = context.rpc.callLong(host, 'checkpoint.restore', params, { timeoutMs: 0 });
    const what = `restoring ${application} from ${checkpoint}`;
    return unlessLeft(restoring, goesOn(host, what, `cmig get application ${application}`));
  };
  const { present, host, warnings, result } = await exclusively(async () => {
    const inventory = await unlessLeft(readInventory(context));
    const away = await unlessLeft(applicationsAway(context, inventory));
    const plan = planRestore(inventory, options, away);
    const { present, host, sender } = plan;
    if (!present) requireNameFree(away, application);
    const isAsItWas = present ? `${application} is as it was` : `nothing of ${application} was restored`;
    await unlessLeft(bringImages(context, plan), isAsItWas);
    if (sender) {
      const params = { checkpoint, to: host };
      const sending = context.rpc.callLong(sender, 'checkpoint.send', params, { timeoutMs: 0 });
      const what = `sending checkpoint ${checkpoint} to ${host}`;
      await unlessLeft(sending, `${isAsItWas}; ${goesOn(sender, what, 'cmig get checkpoints')}`);
    }
    const verifying = context.rpc.callLong(host, 'checkpoint.verify', { checkpoint }, { timeoutMs: 0 });
    const { warnings = [] } = await unlessLeft(verifying, isAsItWas);
    const moves = present !== undefined && present.status.host !== host;
    return { present, host, warnings, result: moves ? undefined : await setBack(host, present) };
  });
  if (result) return { ...result, warnings };
  warnings.unshift(...(await move(context, host, options)));
  const moved = await exclusively(async () => {
    // Between two that work on it, a third may have.
    const { status } = findApplication(
      await readInventory(context, { parts: ['applications'] }),
      application,
    );
    if (status.host !== host)
      throw new CmigError('conflict', `${application} has left ${host} for ${status.host}`);
    return setBack(host, present);
  }).catch((error) => {
    if (codeOf(error) === 'cancelled') throw error;
    throw new CmigError('failed', `${application} was moved to ${host}: it was not restored`, {
      hint: `try again: cmig restore ${application} --checkpoint ${checkpoint}`,
      cause: error,
    });
  });
  return { ...moved, warnings };
}

function planRestore(
  inventory: Inventory,
  { application, checkpoint, host: wanted }: RestoreOptions,
  away: readonly AwayApplication[],
): Plan {
  const all = findCheckpoint(inventory, checkpoint);
  const copies = all.filter(({ spec }) => spec.application === application);
  const [first] = copies;
  if (!first)
    throw new CmigError(
      'invalid',
      `checkpoint ${checkpoint} is one of ${all[0]!.spec.application}, not of ${application}`,
      { hint: 'see: cmig get checkpoints' },
    );
  const present = inventory.applications.find(({ metadata }) => metadata.name === application);
  const host = wanted ?? present?.status.host ?? first.status.host;
  const found = findReadyHost(inventory, host);
  if (present?.status.host !== host) refuseCordoned(inventory, found, application);
  if (present && present.status.host !== host && !['Running', 'NotReady'].includes(present.status.phase))
    throw new CmigError('conflict', `${application} is ${present.status.phase} on ${present.status.host}`, {
      hint: `it can be moved to ${host} only while it runs: start it (cmig start), or delete it`,
    });
  refuseAddress(inventory, first, away);
  const isThere = copies.some(({ status }) => status.host === host);
  return {
    present,
    host,
    sender: isThere ? undefined : first.status.host,
    images: [...new Set(Object.values(first.status.images))],
    peers: inventory.hosts
      .filter(({ metadata, status }) => metadata.name !== host && status.condition === 'Ready')
      .map(({ metadata }) => metadata.name),
  };
}

/** @throws CmigError `conflict` where the address that its sockets have is another application's by now */
function refuseAddress(
  { applications }: Inventory,
  { metadata, spec, status }: Checkpoint,
  away: readonly AwayApplication[],
): void {
  const present = applications.map((each) => ({ name: each.metadata.name, ...each.status }));
  const owner = [...present, ...away].find(
    ({ name, address }) => address === status.address && name !== spec.application,
  );
  if (!owner) return;
  throw new CmigError(
    'conflict',
    `the address ${status.address} of checkpoint ${metadata.name} belongs to ${owner.name} on ${owner.host}`,
    { hint: 'give that one another address, or delete it' },
  );
}

/** The images of its containers are on the host when it returns. */
async function bringImages(
  { rpc }: OrchestratorContext,
  { host, images, peers }: Pick<Plan, 'host' | 'images' | 'peers'>,
): Promise<void> {
  const has = async (digest: string, at: string): Promise<boolean> =>
    (await rpc.call(at, 'image.describe', { digest })).present;
  for (const digest of images) {
    if (await has(digest, host)) continue;
    for (const peer of peers) {
      if (!(await has(digest, peer).catch(() => false))) continue;
      await rpc.callLong(peer, 'image.send', { digest, to: host }, { timeoutMs: 0 });
      break;
    }
  }
}

/** @returns what preflight has warned of */
async function move(
  context: OrchestratorContext,
  to: string,
  { application, checkpoint, caller, signal, onTurningBack = () => {} }: RestoreOptions,
): Promise<Problem[]> {
  signal?.addEventListener('abort', onTurningBack);
  const moving = migrate(context, { application, to, caller, signal });
  const { outcome, error, migration, findings } = await moving.finally(() =>
    signal?.removeEventListener('abort', onTurningBack),
  );
  if (outcome === 'committed' && signal?.aborted)
    throw new CmigError('cancelled', `${doing} was cancelled`, {
      hint: `${application} was moved to ${to} by then, and runs there as it was; to go on: cmig restore ${application} --checkpoint ${checkpoint}`,
    });
  if (outcome === 'committed') return findings;
  throw new CmigError(
    outcome === 'rolled-back' && signal?.aborted ? 'cancelled' : (outcome ?? 'failed'),
    `${application} could not be moved to ${to}, so it was not restored there`,
    {
      hint: `see: cmig describe migration ${migration}`,
      ...(error ? { cause: fromFault(error) } : {}),
    },
  );
}
