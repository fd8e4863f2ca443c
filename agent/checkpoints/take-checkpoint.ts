// Takes a checkpoint of an application: it stands still for a moment, and runs on with its connections.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import type { Machine } from '../migration/machine.ts';
import { resetPeers } from '../network/outer-connections.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { factsOf, sizesOf, withoutMarks } from './checkpoint-facts.ts';
import type { CheckpointRecord } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { FileCapture } from './file-capture.ts';
import { FrozenApplication } from './frozen-application.ts';
import { giveBack } from './give-back.ts';
import { told } from './local-copy.ts';
import { MemoryLineage, type TrackedSince } from './memory-lineage.ts';

export interface TakeRequest {
  application: string;
  /** The name of the checkpoint. */
  id: string;
  reason: CheckpointRecord['reason'];
  /** It does not run on afterwards. */
  stop?: boolean | undefined;
}

/**
 * Whatever fails, the application runs on and no half checkpoint is left. What is to be stopped ends only when its
 * checkpoint is on disk: nothing else has its memory then.
 * @throws CmigError `conflict` where not all of it runs, or something else is done to it
 */
export async function takeCheckpoint(
  machine: Machine,
  store: CheckpointStore,
  request: TakeRequest,
): Promise<CheckpointRecord> {
  const { supervisor, context } = machine;
  const { application, id } = request;
  mustRun(machine, application);
  const folder = await store.begin(application, id);
  const record = supervisor.record(application);
  const frozen = new FrozenApplication(machine, record, join(folder, 'images'));
  /** From here on what fails does not give it back any more: that is under way. */
  let isDecided = false;
  try {
    const previous = (await store.list(application)).at(-1);
    const files = new FileCapture({
      folder: context.paths.application(application),
      checkpoint: folder,
      previous: previous && {
        folder: store.folder(application, previous.id),
        frozenAtMs: previous.frozenAtMs,
      },
      mappedFiles: () => frozen.mappedFiles(),
    });
    const facts = await factsOf(machine, record);
    const memory = await MemoryLineage.of(machine, store, record);
    let trackedSince: TrackedSince | undefined;
    const keep = async (frozenMs: number): Promise<CheckpointRecord> => {
      await files.tidy();
      const taken: CheckpointRecord = {
        id,
        reason: request.reason,
        ...(previous ? { previous: previous.id } : {}),
        ...(record.restoredFrom ? { restoredFrom: record.restoredFrom } : {}),
        ...(trackedSince?.checkpoint ? { memorySince: trackedSince.checkpoint } : {}),
        memoryTracked: memory !== undefined,
        takenOn: context.config.name,
        createdAt: new Date(frozen.frozenAtMs).toISOString(),
        frozenAtMs: frozen.frozenAtMs,
        frozenMs,
        connections: frozen.connections.length,
        ...facts,
        sockets: frozen.sockets,
        ...(await sizesOf(folder)),
        application: withoutMarks(record),
      };
      await store.keep(folder, taken);
      return taken;
    };
    await supervisor.suspend(application, { id, role: 'checkpoint' });
    trackedSince = await memory?.begin();
    await files.prepare();
    await frozen.freeze(trackedSince?.images);
    await Promise.all([frozen.noteSockets(), files.finish()]);
    await frozen.mustBeHeld();
    const kept = request.stop ? await keep(frozen.frozenMs) : undefined;
    isDecided = true;
    if (!kept) {
      const taken = await keep(await runOn(machine, request, frozen));
      // Without a note the next one is a whole dump.
      await memory
        ?.remember(taken)
        .catch((error) => context.log.warn({ err: error }, 'memory is not tracked'));
      return taken;
    }
    await giveBack(machine, request, () => end(machine, application, frozen));
    return kept;
  } catch (error) {
    if (isDecided) await store.abandon(folder);
    else await giveUp(machine, store, request, frozen);
    throw told(error);
  }
}

/** @returns how long it stood still, in milliseconds */
async function runOn(machine: Machine, request: TakeRequest, frozen: FrozenApplication): Promise<number> {
  let frozenMs = 0;
  await giveBack(machine, request, async () => {
    frozenMs = await frozen.thaw();
    // Whatever became of its processes, they are supervised again: what has ended is restarted.
    await machine.supervisor.resume(request.application);
  });
  return frozenMs;
}

async function end(
  { supervisor, network, context }: Machine,
  application: string,
  frozen: FrozenApplication,
): Promise<void> {
  await frozen.end();
  if (network.exists(application)) await network.unlock(application);
  await resetPeers(application, frozen.connections).catch((error) =>
    context.log.warn({ err: error }, 'peers could not be told that their connections are no more'),
  );
  await supervisor.resumeStopped(application);
}

/** It runs on where it stands still. What was gathered goes before a record is written: it may have filled the disk. */
async function giveUp(
  machine: Machine,
  store: CheckpointStore,
  request: TakeRequest,
  frozen: FrozenApplication,
): Promise<void> {
  const { supervisor, context } = machine;
  const { application, id } = request;
  const isOurs = supervisor.has(application) && supervisor.record(application).migration?.id === id;
  const note = (err: unknown) => context.log.error({ err, application }, 'could not be thawed');
  if (isOurs) await frozen.thaw().catch(note);
  await store.abandon(store.begun(application, id));
  // What went wrong first is what is told.
  if (isOurs) await runOn(machine, request, frozen).catch(() => {});
}

/**
 * After a crash of the agent or of the host. A checkpoint that is whole although its application still stands still is
 * one with which that is stopped.
 */
export async function recoverTaking(
  machine: Machine,
  store: CheckpointStore,
  record: ApplicationRecord,
): Promise<void> {
  const { supervisor } = machine;
  const application = record.manifest.metadata.name;
  const id = record.migration?.id ?? '';
  const isKept = existsSync(store.folder(application, id));
  const frozen = new FrozenApplication(machine, record, join(store.begun(application, id), 'images'));
  await giveBack(machine, { application, id }, async () => {
    if (isKept) return end(machine, application, frozen);
    await frozen.thaw();
    await supervisor.resume(application);
    supervisor.startWanted(application);
  });
}

/** @throws CmigError `not-found`; `conflict` that names the container which does not run */
function mustRun({ supervisor }: Machine, application: string): void {
  const { status } = supervisor.describe(application);
  const idle = status.containers.find(({ state }) => state !== 'Running');
  if (idle)
    throw new CmigError(
      'conflict',
      `${application} cannot be checkpointed: its container ${idle.name} does not run`,
      { hint: `see: cmig describe application ${application}` },
    );
}
