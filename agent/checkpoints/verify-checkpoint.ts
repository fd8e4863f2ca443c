// Whether this host can restore a checkpoint: its machine, the images, and every file of it.
import { arch } from 'node:os';
import { CmigError } from '../../src/core/errors.ts';
import { refuseCpu } from '../migration/host-facts.ts';
import type { Machine } from '../migration/machine.ts';
import { applicationOf, type CheckpointRecord } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { verifySeal } from './seal.ts';

/** @throws CmigError `conflict` where this host cannot; `failed` that names the damaged file */
export async function verifyCheckpoint(
  { images, context }: Machine,
  store: CheckpointStore,
  record: CheckpointRecord,
): Promise<void> {
  const refused = (message: string, hint: string) =>
    new CmigError(
      'conflict',
      `checkpoint ${record.id} cannot be restored on ${context.config.name}: ${message}`,
      { hint },
    );
  if (record.architecture !== arch())
    throw refused(`it is of a ${record.architecture}`, 'choose a host of that architecture');
  const cpu = await refuseCpu(context.programs, record.cpuinfo);
  if (cpu) throw refused(`its CPU lacks features: ${cpu}`, 'choose a host whose CPU has them');
  for (const digest of new Set(Object.values(record.application.images)))
    if (!(await images.find(digest)))
      throw refused(`the image ${digest} is not there`, 'apply its manifest again, which sends the image');
  await verifySeal(store.folder(applicationOf(record), record.id), record.id);
}
