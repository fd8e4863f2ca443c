// Checkpoints: taken where the application runs, found on whatever host keeps them, removed from all that do.
import { randomBytes } from 'node:crypto';
import type { Checkpoint } from '../contract/checkpoint.ts';
import { checkName } from '../core/check-name.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { changeApplication } from './changing.ts';
import type { OrchestratorContext } from './context.ts';
import { withApplicationMutex } from './exclusive.ts';
import { type Inventory, readInventory } from './inventory.ts';

export interface TakeCheckpointOptions {
  /** Made up if absent. */
  name?: string | undefined;
  /** The application does not run on. */
  stop?: boolean | undefined;
}

/** A name that nobody has, which sorts by time. */
export const newCheckpointName = (): string =>
  `c-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;

/** @throws CmigError `invalid` name; `not-found`; `conflict` where the name is taken or not all of it runs; `unreachable` */
export const takeCheckpoint = async (
  context: OrchestratorContext,
  application: string,
  { name, stop }: TakeCheckpointOptions = {},
): Promise<Checkpoint> => {
  if (name !== undefined) checkName('checkpoint', name);
  return changeApplication(context, application, 'cmig checkpoint', async ({ status }) => {
    if (name !== undefined) {
      const { checkpoints } = await readInventory(context, { parts: ['checkpoints'] });
      const taken = checkpoints.find(({ metadata }) => metadata.name === name);
      if (taken)
        throw new CmigError('conflict', `there is a checkpoint ${name} on ${taken.status.host} already`, {
          hint: `choose another name, or remove that one: cmig delete checkpoint ${name}`,
        });
    }
    const params = { application, checkpoint: name ?? newCheckpointName(), ...(stop ? { stop } : {}) };
    // As long as the copying of its files takes.
    return context.rpc.callLong(status.host, 'checkpoint.take', params, { timeoutMs: 0 });
  });
};

/** Every copy of it, one for each host that keeps one. @throws CmigError `not-found` with near names */
export function findCheckpoint({ checkpoints, unreachable }: Inventory, id: string): Checkpoint[] {
  const found = checkpoints.filter(({ metadata }) => metadata.name === id);
  if (found.length > 0) return found;
  const names = checkpoints.map(({ metadata }) => metadata.name);
  const unasked = unreachable.length > 0 && `${unreachable.join(', ')} did not answer and may keep it`;
  throw new CmigError('not-found', `there is no checkpoint "${id}"`, {
    hint: didYouMean(id, names) ?? (unasked || 'cmig get checkpoints lists them'),
  });
}

/** @returns the hosts from which it was removed. @throws CmigError `not-found`; `conflict` while it is in use */
export async function deleteCheckpoint(context: OrchestratorContext, id: string): Promise<string[]> {
  const copies = findCheckpoint(await readInventory(context, { parts: ['checkpoints'] }), id);
  return withApplicationMutex(context, copies[0]!.spec.application, 'cmig delete checkpoint', async () => {
    for (const { status } of copies)
      await context.rpc.callLong(status.host, 'checkpoint.delete', { checkpoint: id }, { timeoutMs: 0 });
    return copies.map(({ status }) => status.host);
  });
}
