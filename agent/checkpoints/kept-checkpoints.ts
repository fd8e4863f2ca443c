// All checkpoints of this host: taken, listed, restored, sent and removed, one operation at a time for an application.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import type { ServerStream } from '../../src/broker/rpc-server.ts';
import type { Checkpoint, RestoreResult } from '../../src/contract/checkpoint.ts';
import type { Params } from '../../src/contract/methods.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { refuseCpu } from '../migration/host-facts.ts';
import type { Machine } from '../migration/machine.ts';

import { refuseCordoned } from '../peers/refuse-cordoned.ts';
import { madeAnew } from '../store/application-files.ts';
import { receiveArchive, sendArchive } from './checkpoint-archive.ts';
import { applicationOf, type CheckpointRecord, toCheckpoint } from './checkpoint-record.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { RestoreCheckpoint } from './restore-checkpoint.ts';
import { RestoreJournal, type RestoreRecord } from './restore-journal.ts';
import { verifySeal } from './seal.ts';
import { expectDelivery, sendCheckpoint, takeInDelivery, takeInFolder } from './send-checkpoint.ts';
import { factsOf, sizesOf, type TakeRequest, takeCheckpoint, withoutMarks } from './take-checkpoint.ts';

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
    const { supervisor, context, network, checkpoints } = this.#machine;
    for (const record of await this.#journal.list()) {
      const { name } = record.after.manifest.metadata;
      context.log.warn({ application: name, state: record.state }, 'a restore is taken up again');
      await new RestoreCheckpoint(this.#machine, this.#journal, record)
        .recover()
        .catch((error) =>
          context.log.error({ err: error, application: name }, 'a restore could not be taken up again'),
        );
      if (record.state === 'committed') await this.#keepOld(record);
    }
    for (const { migration, manifest } of supervisor.records()) {
      if (migration?.role !== 'checkpoint') continue;
      const { name } = manifest.metadata;
      const folder = this.store.folder(name, `.new-${migration.id}`);
      if (network.exists(name)) {
        await network.unlock(name);
        for (const { name: container } of manifest.spec.containers)
          await checkpoints.conclude(name, container, 'cancel', join(folder, 'images', container));
      }
      await supervisor.resume(name);
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
  async verify(id: string): Promise<Checkpoint> {
    const record = await this.#find(id);
    await this.#verify(record);
    return this.#show(record);
  }

  /** @throws CmigError as `verify`; what kept it from being restored, and then what ran before runs on */
  async restore(request: Params<'checkpoint.restore'>): Promise<RestoreResult> {
    const found = await this.#find(request.checkpoint);
    const application = applicationOf(found);
    return this.#alone(application, 'restore', async () => {
      await this.#verify(found);
      const record = await this.#plan(found, request);
      const folder = this.store.folder(application, found.id);
      const ending = await new RestoreCheckpoint(this.#machine, this.#journal, record).run(folder);
      const kept = await this.#keepOld(record);
      this.#machine.context.events.publish('checkpoint.restored', {
        application,
        checkpoint: found.id,
        frozenMs: ending.frozenMs,
        ...(kept ? { kept } : {}),
      });
      const { epoch } = record.after;
      return {
        application,
        checkpoint: found.id,
        host: this.#here,
        epoch,
        ...ending,
        ...(kept ? { kept } : {}),
      };
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

  async #plan(found: CheckpointRecord, request: Params<'checkpoint.restore'>): Promise<RestoreRecord> {
    const { supervisor, context } = this.#machine;
    const name = applicationOf(found);
    const present = supervisor.has(name) ? supervisor.record(name) : undefined;
    if (!present) refuseCordoned(this.#machine.hosts, name);
    const { application } = found;
    const owner = supervisor
      .records()
      .find(({ address, manifest }) => address === application.address && manifest.metadata.name !== name);
    if (owner)
      throw new CmigError(
        'conflict',
        `the address ${application.address} of checkpoint ${found.id} belongs to ${owner.manifest.metadata.name}`,
        { hint: 'give that one another address, or delete it' },
      );
    const states = present ? supervisor.describe(name).status.containers : [];
    const running = states.length > 0 && states.every(({ state }) => state === 'Running');
    if (present && !running && !request.discardCurrent)
      throw new CmigError('conflict', `not all of ${name} runs, so it cannot be kept as it is`, {
        hint: 'start it first (cmig start), or give it up with --discard-current',
      });
    if (present && !running && states.some(({ state }) => state === 'Running')) await supervisor.stop(name);
    const epoch = Math.max(present?.epoch ?? 0, application.epoch, request.epochAbove ?? 0) + 1;
    const before = present && {
      application: withoutMarks(supervisor.record(name)),
      running,
      roots: ['containers', 'volumes'].filter((root) =>
        existsSync(join(context.paths.application(name), root)),
      ),
    };
    return {
      id: `r-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`,
      state: 'preparing',
      checkpoint: found.id,
      ...(before ? { before } : {}),
      after: { ...application, desired: 'running', epoch, restoredFrom: found.id },
      ...(before?.running && !request.discardCurrent
        ? { keep: await this.#keepRecord(before.application, request.keepAs) }
        : {}),
    };
  }

  async #keepRecord(application: CheckpointRecord['application'], id: string): Promise<CheckpointRecord> {
    await this.#mustBeFree(id);
    return {
      id,
      reason: 'restore',
      ...(application.restoredFrom ? { restoredFrom: application.restoredFrom } : {}),
      takenOn: this.#here,
      createdAt: new Date().toISOString(),
      frozenAtMs: Date.now(),
      frozenMs: 0,
      connections: 0,
      ...(await factsOf(this.#machine, application)),
      memoryBytes: 0,
      fileBytes: 0,
      files: 0,
      application,
    };
  }

  /** What ran before becomes a checkpoint, and nothing is left of the restore. @returns its name */
  async #keepOld(record: RestoreRecord): Promise<string | undefined> {
    const { keep, id } = record;
    const old = this.#journal.old(id);
    this.store.measureAnew();
    try {
      if (!keep || !existsSync(join(old, 'images'))) return undefined;
      const folder = await this.store.begin(applicationOf(keep), keep.id);
      // `mv` and not a rename: checkpoints may lie on a disk of their own.
      await runProcess('mv', ['-t', folder, '--', join(old, 'images'), join(old, 'files')], { timeoutMs: 0 });
      await removeNotKept(join(folder, 'files'));
      await writeFile(join(folder, 'mapped'), '');
      await this.store.keep(folder, { ...keep, ...(await sizesOf(folder)) });
      return keep.id;
    } catch (error) {
      this.#machine.context.log.error({ err: error, checkpoint: keep?.id }, 'what ran before was not kept');
      return undefined;
    } finally {
      await this.#journal.remove(id);
    }
  }

  async #verify(record: CheckpointRecord): Promise<void> {
    const { images, context } = this.#machine;
    const refused = (message: string, hint: string) =>
      new CmigError('conflict', `checkpoint ${record.id} cannot be restored on ${this.#here}: ${message}`, {
        hint,
      });
    if (record.architecture !== arch())
      throw refused(`it is of a ${record.architecture}`, 'choose a host of that architecture');
    const cpu = await refuseCpu(context.programs, record.cpuinfo);
    if (cpu) throw refused(`its CPU lacks features: ${cpu}`, 'choose a host whose CPU has them');
    for (const digest of new Set(Object.values(record.application.images)))
      if (!(await images.find(digest)))
        throw refused(`the image ${digest} is not there`, 'apply its manifest again, which sends the image');
    await verifySeal(this.store.folder(applicationOf(record), record.id), record.id);
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

async function removeNotKept(files: string): Promise<void> {
  const paths = madeAnew.flatMap((pattern, index) => [...(index > 0 ? ['-o'] : []), '-path', pattern]);
  const { stdout } = await runProcess(
    'find',
    ['containers', '-mindepth', '2', '-maxdepth', '2', '(', ...paths, ')', '-print0'],
    { cwd: files, allowedExitCodes: [0, 1] },
  );
  for (const path of stdout.split('\0').filter(Boolean))
    await rm(join(files, path), { recursive: true, force: true });
}
