// Sets an application back to a checkpoint.
import type { RestoreResult } from '../contract/checkpoint.ts';
import { CmigError } from '../core/errors.ts';
import { findCheckpoint, newCheckpointName } from './checkpoints.ts';
import type { OrchestratorContext } from './context.ts';
import { withApplicationMutex } from './exclusive.ts';
import { type Inventory, readInventory } from './inventory.ts';

export interface RestoreOptions {
  application: string;
  checkpoint: string;
  /** What runs before is given up instead of being kept as a checkpoint. */
  discardCurrent?: boolean | undefined;
}

/**
 * What runs is replaced only when the checkpoint is restored and held.
 * @throws CmigError `not-found`; `invalid` where it is another application's; `conflict`; `failed` where it is damaged
 */
export const restoreApplication = (
  context: OrchestratorContext,
  { application, checkpoint, discardCurrent }: RestoreOptions,
): Promise<RestoreResult> =>
  withApplicationMutex(context, application, 'cmig restore', async () => {
    const inventory = await readInventory(context, { parts: ['applications', 'checkpoints'] });
    const copies = findCheckpoint(inventory, checkpoint).filter(
      ({ spec }) => spec.application === application,
    );
    if (copies.length === 0) throw ofAnother(inventory, application, checkpoint);
    const running = inventory.applications.find(({ metadata }) => metadata.name === application);
    const host = running?.status.host ?? copies[0]!.status.host;
    const hosts = copies.map(({ status }) => status.host);
    if (!hosts.includes(host))
      throw new CmigError(
        'conflict',
        `${application} runs on ${host}, checkpoint ${checkpoint} is on ${hosts}`,
        {
          hint: `move it there first: cmig migrate ${application} ${hosts[0]}`,
        },
      );
    return context.rpc.callLong(
      host,
      'checkpoint.restore',
      {
        checkpoint,
        keepAs: newCheckpointName(),
        ...(discardCurrent ? { discardCurrent } : {}),
        ...(running ? { epochAbove: running.status.epoch } : {}),
      },
      { timeoutMs: 0 },
    );
  });

function ofAnother(inventory: Inventory, application: string, checkpoint: string): CmigError {
  const { spec } = findCheckpoint(inventory, checkpoint)[0]!;
  return new CmigError(
    'invalid',
    `checkpoint ${checkpoint} is one of ${spec.application}, not of ${application}`,
    {
      hint: `see: cmig get checkpoints`,
    },
  );
}
