// What the destination's half of a migration does to its machine.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { HeldRestore } from '../runtime/held-restore.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { DestinationPorts } from './destination-migration.ts';
import type { DestinationRecord } from './journal.ts';
import type { Machine } from './machine.ts';
import { MigrationEvents } from './migration-events.ts';

export class DestinationHost implements DestinationPorts {
  readonly #machine: Machine;
  readonly #record: DestinationRecord;
  readonly #events: MigrationEvents;
  readonly #restore: HeldRestore;

  constructor(machine: Machine, record: DestinationRecord) {
    this.#machine = machine;
    this.#record = record;
    this.#events = new MigrationEvents(machine.context.events, record);
    this.#restore = new HeldRestore(machine, this.#application());
  }

  async save(record: DestinationRecord): Promise<void> {
    await this.#machine.journal.save(record);
  }

  async prepare(): Promise<void> {
    const { applications, images, network, supervisor, context } = this.#machine;
    const { application, facts, id } = this.#record;
    const present = await applications.get(application);
    if (present) {
      throw new CmigError('conflict', `${this.#record.to} has an application ${application} already`, {
        hint: `see: cmig describe application ${application}`,
      });
    }
    await mkdir(context.paths.incoming(id), { recursive: true });
    for (const digest of new Set(Object.values(facts.images))) {
      // Takes in what the source has delivered.
      if (await images.find(digest)) continue;
      throw new CmigError('not-found', `the image ${digest} has not arrived on ${this.#record.to}`);
    }
    await applications.put(this.#application({ id, role: 'destination' }));
    await supervisor.suspend(application, { id, role: 'destination' });
    await network.create(application, { address: facts.address, mac: facts.mac }, { locked: true });
  }

  async restore(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const { context } = this.#machine;
    const { application, id } = this.#record;
    const incoming = context.paths.incoming(id);
    for (const folder of ['containers', 'volumes']) {
      if (!existsSync(join(incoming, folder))) continue;
      await rename(join(incoming, folder), join(context.paths.application(application), folder));
    }
    await this.#restore.restoreAndHold(join(incoming, 'images'), signal);
    this.#record.phases.restore = Math.round(performance.now() - startedAt);
  }

  async askPermit(): Promise<void> {
    await this.#machine.context.rpc
      .call(this.#record.from, 'migration.permit', { migration: this.#record.id }, { timeoutMs: 2000 })
      .catch((error) => {
        throw codeOf(error) === 'timeout'
          ? new CmigError('unreachable', error.message, { cause: error })
          : error;
      });
  }

  async open(): Promise<void> {
    const startedAt = performance.now();
    await this.#restore.letGo();
    this.#record.phases.commit ??= Math.round(performance.now() - startedAt);
  }

  async adopt(): Promise<void> {
    const { applications, supervisor, context } = this.#machine;
    await this.#restore.settled();
    const record = this.#application();
    await applications.put(record);
    await supervisor.adopt(record);
    await rm(context.paths.incoming(this.#record.id), { recursive: true, force: true });
  }

  async discard(): Promise<void> {
    const { supervisor, context } = this.#machine;
    const { application, id } = this.#record;
    const present = await this.#machine.applications.get(application);
    // Somebody else's application of this name was there before: prepare refused, and it is none of ours.
    if (!present || present.migration?.id === id) {
      await this.#restore.cancel();
      await supervisor.forget(application);
    }
    await rm(context.paths.incoming(id), { recursive: true, force: true });
  }

  tellSource(): void {
    const { rpc, log } = this.#machine.context;
    const method = this.#record.state === 'committed' ? 'migration.finish' : 'migration.abort';
    const reason = this.#record.error?.message ?? `${this.#record.to} turned back`;
    const params = { migration: this.#record.id };
    const told =
      method === 'migration.finish'
        ? rpc.callLong(this.#record.from, method, params, { timeoutMs: 30_000 })
        : rpc.callLong(this.#record.from, method, { ...params, reason }, { timeoutMs: 30_000 });
    told.catch((error) =>
      log.warn({ err: error, migration: this.#record.id }, `${this.#record.from} was not told; it will ask`),
    );
  }

  async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds);
  }

  time(): string {
    return new Date().toISOString();
  }

  changed(record: DestinationRecord): void {
    this.#machine.context.log.info(
      { migration: record.id, application: record.application },
      `destination: ${record.state}`,
    );
    if (record.state === 'restored') this.#events.publish('migration.restored', {});
    if (record.state === 'committed') this.#events.publish('migration.committed', {});
    if (record.state === 'aborted') {
      this.#events.publish('migration.aborted', record.error ? { error: record.error as never } : {});
    }
  }

  #application(migration?: ApplicationRecord['migration']): ApplicationRecord {
    const { facts, epoch } = this.#record;
    return {
      manifest: facts.manifest,
      images: facts.images,
      epoch,
      address: facts.address,
      mac: facts.mac,
      desired: 'running',
      createdAt: facts.createdAt,
      ...(migration ? { migration } : {}),
    };
  }
}
