// All checkpoints of this host: taken, listed, restored, sent and removed, one operation at a time for an application.
import { rm } from 'node:fs/promises';
import type { ServerStream } from '../../src/broker/rpc-server.ts';
import type { Checkpoint, RestoreResult } from '../../src/contract/checkpoint.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { Machine } from '../migration/machine.ts';
import { receiveArchive, sendArchive } from './checkpoint-archive.ts';
import { applicationOf, type CheckpointRecord, toCheckpoint } from './checkpoint-record.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { planRestore } from './plan-restore.ts';
import { RestoreCheckpoint } from './restore-checkpoint.ts';
import { RestoreJournal, type RestoreRecord } from './restore-journal.ts';
import { expectDelivery, sendCheckpoint, takeInDelivery, takeInFolder } from './send-checkpoint.ts';
import { recoverTaking, type TakeRequest, takeCheckpoint } from './take-checkpoint.ts';
import { verifyCheckpoint } from './verify-checkpoint.ts';

export class KeptCheckpoints {
  readonly #machine: Machine;
  readonly store: CheckpointStore;
  readonly #journal: RestoreJournal;
  /** Application -> what is done with its checkpoints just now. */
  readonly #busy = new Map<string, string>();

  constructor(machine: Machine) {
    this.#machine = machine;
    const { paths } = machine.context;
    this.store = new CheckpointStore(paths.checkpointsDirectory);
    this.#journal = new RestoreJournal(paths.restoresDirectory);
  }

  get #here(): string {
    return this.#machine.context.config.name;
  }

  /** Something is under way that an agent which ends should wait for. */
  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  /** What was under way when the agent ended is brought to its end; before anything is started. */
  async recover(): Promise<void> {
    const { supervisor, context } = this.#machine;
    for (const record of await this.#journal.list()) {
      const { name } = record.after.manifest.metadata;
      context.log.warn({ application: name, state: record.state }, 'a restore is taken up again');
      await this.#restoring(record)
        .recover()
        .catch((error) =>
          context.log.error({ err: error, application: name }, 'a restore could not be taken up again'),
        );
    }
    for (const record of supervisor.records()) {
      if (record.migration?.role !== 'checkpoint') continue;
      await recoverTaking(this.#machine, this.store, record).catch((error) =>
        context.log.error(
          { err: error, application: record.manifest.metadata.name },
          'a checkpoint was under way',
        ),
      );
    }
    await this.store.sweep();
    await this.#journal.sweep();
  }

  async list(): Promise<Checkpoint[]> {
    return Promise.all((await this.store.list()).map((record) => this.#show(record)));
  }

  /** @throws CmigError `not-found` */
  async get(id: string): Promise<Checkpoint> {
    return this.#show(await this.#find(id));
  }

  /** @throws CmigError `conflict` where the name is taken; as `takeCheckpoint` */
  async take(request: TakeRequest): Promise<Checkpoint> {
    const { application, id } = request;
    return this.#alone(application, 'checkpoint', async () => {
      await this.#mustBeFree(id);
      const record = await takeCheckpoint(this.#machine, this.store, request);
      this.#machine.context.events.publish('checkpoint.taken', {
        application,
        checkpoint: id,
        frozenMs: record.frozenMs,
      });
      return this.#show(record);
    });
  }

  /** @throws CmigError `not-found`; `failed` that names the damaged file; `conflict` where this host cannot restore it */
  async verify(id: string): Promise<Result<'checkpoint.verify'>> {
    const record = await this.#find(id);
    const warnings = await verifyCheckpoint(this.#machine, this.store, record);
    return { ...(await this.#show(record)), warnings };
  }

  /** @throws CmigError as `verify`; what kept it from being restored, and then what ran before runs on */
  async restore(request: Params<'checkpoint.restore'>): Promise<RestoreResult> {
    const found = await this.#find(request.checkpoint);
    const application = applicationOf(found);
    return this.#alone(application, 'restore', async () => {
      await verifyCheckpoint(this.#machine, this.store, found);
      if (!request.discardCurrent) await this.#mustBeFree(request.keepAs);
      const record = await planRestore(this.#machine, found, request);
      const ending = await this.#restoring(record).run(this.store.folder(application, found.id));
      this.#machine.context.events.publish('checkpoint.restored', {
        application,
        checkpoint: found.id,
        frozenMs: ending.frozenMs,
        ...(ending.kept ? { kept: ending.kept } : {}),
      });
      const { epoch } = record.after;
      return { application, checkpoint: found.id, host: this.#here, epoch, ...ending };
    });
  }

  /** @returns the bytes that went over the wire. @throws CmigError as `sendCheckpoint` */
  async send(id: string, to: string): Promise<{ bytes: number }> {
    const record = await this.#find(id);
    const application = applicationOf(record);
    return this.#alone(application, 'sending of a checkpoint', () =>
      sendCheckpoint(this.#machine, this.store.folder(application, id), record, to),
    );
  }

  /** A peer is about to send it. @throws CmigError `conflict` where it is here */
  async expect(id: string): Promise<void> {
    await this.#mustBeFree(id);
    await expectDelivery(this.#machine, id);
  }

  /** A peer has sent it. @throws CmigError `failed` that names the file which is not as it was */
  async takeIn(id: string): Promise<Checkpoint> {
    await this.#mustBeFree(id);
    await takeInDelivery(this.#machine, this.store, id);
    return this.get(id);
  }

  /** @throws CmigError `not-found`; `tool-failed` */
  async export(id: string, stream: ServerStream): Promise<void> {
    const record = await this.#find(id);
    const application = applicationOf(record);
    await this.#alone(application, 'export of a checkpoint', () =>
      sendArchive(this.store.folder(application, id), stream),
    );
  }

  /** @throws CmigError `invalid` where it is no archive; `conflict` where it is here; `failed` that names the damaged file */
  async import(input: AsyncIterable<Uint8Array>): Promise<Checkpoint> {
    const { restoresDirectory } = this.#machine.context.paths;
    const { folder, record } = await receiveArchive(restoresDirectory, input);
    try {
      await this.#mustBeFree(record.id);
      await takeInFolder(this.store, folder, record);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return this.#show(record);
  }

  /** @throws CmigError `not-found`; `conflict` while it is in use */
  async remove(id: string): Promise<void> {
    const record = await this.#find(id);
    await this.#alone(applicationOf(record), 'removal of a checkpoint', () => this.store.remove(record));
    this.#machine.context.events.publish('checkpoint.deleted', {
      application: applicationOf(record),
      checkpoint: id,
    });
  }

  #restoring(record: RestoreRecord): RestoreCheckpoint {
    return new RestoreCheckpoint(this.#machine, this.store, this.#journal, record);
  }

  async #mustBeFree(id: string): Promise<void> {
    const taken = await this.store.find(id);
    if (taken)
      throw new CmigError('conflict', `there is a checkpoint ${id} on ${this.#here} already`, {
        hint: 'choose another name',
      });
  }

  async #find(id: string): Promise<CheckpointRecord> {
    const record = await this.store.find(id);
    if (record) return record;
    throw new CmigError('not-found', `there is no checkpoint ${id} on ${this.#here}`, {
      hint: 'see: cmig get checkpoints',
    });
  }

  async #alone<T>(application: string, doing: string, work: () => Promise<T>): Promise<T> {
    const other = this.#busy.get(application);
    if (other)
      throw new CmigError(
        'conflict',
        `${application}: ${doing} is not possible now: a ${other} is under way`,
        {
          hint: 'wait until it has ended',
        },
      );
    this.#busy.set(application, doing);
    try {
      return await work();
    } finally {
      this.#busy.delete(application);
    }
  }

  async #show(record: CheckpointRecord): Promise<Checkpoint> {
    return toCheckpoint(record, this.#here, await this.store.diskUse(record));
  }
}
