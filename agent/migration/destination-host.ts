// What the destination's half of a migration does to its machine.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { longestReason } from '../../src/contract/methods.ts';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { lookForHost } from '../peers/look-for-host.ts';
import { HeldRestore } from '../runtime/held-restore.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { DestinationPorts, SourceEnding } from './destination-ports.ts';
import type { DestinationRecord } from './journal.ts';
import type { Machine } from './machine.ts';
import { MigrationEvents } from './migration-events.ts';
import type { Sign } from './resolving.ts';

/** The source ends frozen processes and removes files. */
const sourceEndsMs = 30_000;

export class DestinationHost implements DestinationPorts {
  readonly #machine: Machine;
  readonly #record: DestinationRecord;
  readonly #events: MigrationEvents;
  readonly #restore: HeldRestore;
  /** Restored by this very agent, and not yet let go. */
  #mayRestoreAgain = false;
  #sourceSilent = false;

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
    images.holds.release(Object.values(facts.images));
    await supervisor.suspend(application, { id, role: 'destination' });
    await network.create(application, facts, { locked: true });
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
    await this.#restore.restoreAndHold(this.#imagesFolder, signal);
    this.#mayRestoreAgain = true;
    this.#record.phases.restore = Math.round(performance.now() - startedAt);
  }

  async askPermit(withinMs: number): Promise<void> {
    const { from, id: migration } = this.#record;
    await this.#machine.context.rpc
      .call(
        from,
        'migration.permit',
        { migration, withinMs: Math.ceil(withinMs) },
        { timeoutMs: Math.min(2000, Math.ceil(withinMs)) },
      )
      .catch((error) => {
        throw codeOf(error) === 'timeout'
          ? new CmigError('unreachable', error.message, { cause: error })
          : error;
      });
  }

  async open(): Promise<void> {
    const startedAt = performance.now();
    if (this.#mayRestoreAgain && !(await this.#restore.isHeld())) await this.#restoreAgain();
    this.#mayRestoreAgain = false;
    await this.#restore.letGo();
    this.#record.phases.commit ??= Math.round(performance.now() - startedAt);
  }

  /** criu was killed after the commit; but nothing that it held has run yet. */
  async #restoreAgain(): Promise<void> {
    const record = this.#application();
    this.#machine.context.log.warn(
      { application: this.#record.application },
      'restored again before it is let go',
    );
    await this.#restore.cancel();
    for (const { name } of record.manifest.spec.containers) await this.#machine.runtime.remove(record, name);
    await this.#restore.restoreAndHold(this.#imagesFolder);
  }

  get #imagesFolder(): string {
    return join(this.#machine.context.paths.incoming(this.#record.id), 'images');
  }

  async adopt(): Promise<void> {
    const { applications, supervisor, context } = this.#machine;
    await this.#restore.settled();
    const record = this.#application();
    await applications.put(record);
    await supervisor.adopt(record);
    // Nothing of it runs where this host has lost its power since.
    supervisor.startWanted(this.#record.application);
    await rm(context.paths.incoming(this.#record.id), { recursive: true, force: true });
    this.#record.adopted = true;
    await this.save(this.#record);
  }

  async startAgain(): Promise<void> {
    const { supervisor } = this.#machine;
    await supervisor.resume(this.#record.application);
    supervisor.startWanted(this.#record.application);
  }

  async setAside(): Promise<void> {
    const { supervisor, context } = this.#machine;
    const { application, id, from, epoch } = this.#record;
    await this.#restore.cancel();
    const present = await this.#machine.applications.get(application);
    // It may have moved on, or have come back by a later migration.
    if (present?.epoch === epoch) {
      await supervisor.setAside(application, { owner: from, ownerEpoch: epoch + 1 });
    }
    await rm(context.paths.incoming(id), { recursive: true, force: true });
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
    const { from, to, id: migration, error } = this.#record;
    const reason = (error?.message ?? `${to} turned back`).slice(0, longestReason);
    rpc
      .callLong(from, 'migration.abort', { migration, reason }, { timeoutMs: sourceEndsMs })
      .catch((error) => log.warn({ err: error, migration }, `${from} was not told; it will ask`));
  }

  async askSource(): Promise<SourceEnding | undefined> {
    const { rpc, log } = this.#machine.context;
    const { from, id: migration } = this.#record;
    try {
      const { status } = await rpc.callLong(
        from,
        'migration.finish',
        { migration },
        { timeoutMs: sourceEndsMs },
      );
      return status.state as SourceEnding;
    } catch (error) {
      // A host that never was says the same; but this one has sent the application.
      if (codeOf(error) === 'not-found') return 'unknown';
      // It is asked for as long as it takes, and told of once.
      if (!this.#sourceSilent) log.warn({ err: error, migration }, `${from} does not say how it ended there`);
      this.#sourceSilent = true;
      return undefined;
    }
  }

  async lookForSource(): Promise<Sign> {
    const { context, hosts } = this.#machine;
    return await lookForHost(context.rpc, hosts.get(this.#record.from), this.#record.id);
  }

  nowMs(): number {
    return performance.now();
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
      `destination: ${record.setAside ? 'set aside' : record.state}`,
    );
    if (record.state === 'restored') this.#events.publish('migration.restored', {});
    // Told again where the source has confirmed it.
    if (record.state === 'committed' && !record.confirmed && !record.setAside)
      this.#events.publish('migration.committed', {});
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
