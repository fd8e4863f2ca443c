// Checkpoints: taken where the application runs, found on whatever host keeps them, removed from all that do.
import { randomBytes } from 'node:crypto';
import type { Application } from '../contract/application.ts';
import type { Checkpoint } from '../contract/checkpoint.ts';
import { checkName } from '../core/check-name.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { changeApplication, goesOn } from './changing.ts';
import type { OrchestratorContext } from './context.ts';
import { withApplicationMutex } from './exclusive.ts';
import { notFound } from './finding.ts';
import { type Inventory, readInventory } from './inventory.ts';

export interface TakeCheckpointOptions {
  /** Made up if absent. */
  name?: string | undefined;
  /** The application does not run on. */
  stop?: boolean | undefined;
  /** Aborted: its end is not waited for. */
  signal?: AbortSignal | undefined;
}

/** A name that nobody has, which sorts by time. */
export const newCheckpointName = (): string =>
  `c-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;

/** @throws CmigError `invalid` name; `not-found`; `conflict` where the name is taken or not all of it runs; `unreachable`; `cancelled` */
export const takeCheckpoint = async (
  context: OrchestratorContext,
  application: string,
  { name, stop, signal }: TakeCheckpointOptions = {},
): Promise<Checkpoint> => {
  if (name !== undefined) checkName('checkpoint', name);
  const doing = 'cmig checkpoint';
  const take = async ({ status: { host } }: Application): Promise<Checkpoint> => {
    if (name !== undefined) {
      const { checkpoints } = await readInventory(context, { parts: ['checkpoints'] });
      const taken = checkpoints.find(({ metadata }) => metadata.name === name);
      if (taken)
        throw new CmigError('conflict', `there is a checkpoint ${name} on ${taken.status.host} already`, {
          hint: `choose another name, or remove that one: cmig delete checkpoint ${name}`,
        });
    }
    const checkpoint = name ?? newCheckpointName();
    const params = { application, checkpoint, ...(stop ? { stop } : {}) };
    // As long as the copying of its files takes.
    const taking = context.rpc.callLong(host, 'checkpoint.take', params, { timeoutMs: 0 });
    const what = `taking checkpoint ${checkpoint} of ${application}`;
    return unlessAborted(taking, signal, doing, goesOn(host, what, `cmig get checkpoint ${checkpoint}`));
  };
  return changeApplication(context, application, doing, take, signal);
};

/** Every copy of it, one for each host that keeps one. @throws CmigError as `findApplication` */
export function findCheckpoint(inventory: Inventory, id: string): Checkpoint[] {
  const found = inventory.checkpoints.filter(({ metadata }) => metadata.name === id);
  if (found.length > 0) return found;
  const near = didYouMean(
    id,
    inventory.checkpoints.map(({ metadata }) => metadata.name),
  );
  throw notFound(`checkpoint "${id}"`, inventory, near ?? 'cmig get checkpoints lists them');
}

export interface DeletedCheckpoint {
  /** From which it was removed. */
  hosts: string[];
  /** Hosts that did not answer and may keep a copy. */
  unasked: string[];
}

/**
 * @param signal aborted: its end is not waited for, and other hosts' copies stay
 * @throws CmigError `not-found`, `unreachable`; `conflict` while it is in use; `cancelled`
 */
export async function deleteCheckpoint(
  context: OrchestratorContext,
  id: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<DeletedCheckpoint> {
  const doing = 'cmig delete checkpoint';
  const find = async () => {
    const reading = readInventory(context, { parts: ['checkpoints'] });
    const inventory = await unlessAborted(reading, signal, doing);
    return { copies: findCheckpoint(inventory, id), unasked: inventory.unreachable };
  };
  const [copy] = (await find()).copies;
  return withApplicationMutex(context, copy!.spec.application, doing, async () => {
    // Anew: until then it may have been sent to another host.
    const { copies, unasked } = await find();
    for (const { status } of copies) {
      const params = { checkpoint: id };
      const deleting = context.rpc.callLong(status.host, 'checkpoint.delete', params, { timeoutMs: 0 });
      const hint = goesOn(status.host, `deleting checkpoint ${id}`, 'cmig get checkpoints');
      await unlessAborted(deleting, signal, doing, hint);
    }
    return { hosts: copies.map(({ status }) => status.host), unasked };
  });
}
