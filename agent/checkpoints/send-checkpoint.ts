// Brings a checkpoint to a peer: by the same rsync as everything else, and taken in there only when it is verified.
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import type { Machine } from '../migration/machine.ts';
import { readJsonFile } from '../store/durable-file.ts';
import { applicationOf, type CheckpointRecord } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { verifySeal } from './seal.ts';

/** Where a peer delivers it, below its `incoming`; what an earlier try left is gone on with. */
const deliveryOf = (id: string): string =>
  `m-${createHash('sha256').update(`checkpoint ${id}`).digest('hex').slice(0, 24)}`;

/** @returns the bytes that went over the wire. @throws CmigError as PeerTransfer.send; what the peer says */
export async function sendCheckpoint(
  { context, hosts, transfer }: Machine,
  folder: string,
  { id }: CheckpointRecord,
  to: string,
): Promise<{ bytes: number }> {
  const peer = hosts.get(to);
  await context.rpc.call(to, 'checkpoint.expect', { checkpoint: id }, { timeoutMs: 20_000 });
  const takeIn = () => context.rpc.callLong(to, 'checkpoint.take-in', { checkpoint: id }, { timeoutMs: 0 });
  try {
    await transfer.connect(peer);
    const sent = await transfer.send(peer, {
      sources: [`${folder}/./`],
      destination: deliveryOf(id),
      deleteExtra: true,
    });
    await takeIn();
    return sent;
  } catch (error) {
    // It is refused there and removed, being no whole one.
    await takeIn().catch(() => {});
    throw error;
  }
}

/** Makes the folder without which a delivery is refused. */
export async function expectDelivery({ context }: Machine, id: string): Promise<void> {
  await mkdir(context.paths.incoming(deliveryOf(id)), { recursive: true, mode: 0o700 });
}

/** @throws CmigError `failed` that names the file which did not arrive as it was */
export async function takeInDelivery(
  { context }: Machine,
  store: CheckpointStore,
  id: string,
): Promise<void> {
  const delivery = context.paths.incoming(deliveryOf(id));
  try {
    const record = await readJsonFile<CheckpointRecord>(join(delivery, 'checkpoint.json'));
    if (record?.id !== id)
      throw new CmigError('failed', `checkpoint ${id} did not arrive on ${context.config.name}`);
    await takeInFolder(store, delivery, record);
  } finally {
    await rm(delivery, { recursive: true, force: true });
  }
}

/** Verified before it gets its name. */
export async function takeInFolder(
  store: CheckpointStore,
  delivered: string,
  record: CheckpointRecord,
): Promise<void> {
  const folder = await store.begin(applicationOf(record), record.id);
  try {
    // `mv` and not a rename: checkpoints may lie on a disk of their own.
    const rest = ['-mindepth', '1', '-maxdepth', '1', '-exec', 'mv', '-t', folder, '--', '{}', '+'];
    await runProcess('find', [delivered, ...rest], { timeoutMs: 0 });
    await verifySeal(folder, record.id);
    await store.place(folder, record);
  } catch (error) {
    await store.abandon(folder);
    throw error;
  }
}
