// All migrations of this host, in either role: finds the half that a request is for, and keeps the leases.

import { type Identity, identityText } from '../../src/contract/identity.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { DestinationHost } from './destination-host.ts';
import { DestinationMigration } from './destination-migration.ts';
import {
  type DestinationRecord,
  hasEnded,
  isOver,
  type MigrationRecord,
  type SourceRecord,
  toMigration,
} from './journal.ts';
import type { Machine } from './machine.ts';
import { MigrationEvents } from './migration-events.ts';
import { recoverCommitted } from './recover-committed.ts';
import { SourceHost } from './source-host.ts';
import { SourceMigration } from './source-migration.ts';

interface SourceHalf {
  role: 'source';
  migration: SourceMigration;
  host: SourceHost;
}
interface DestinationHalf {
  role: 'destination';
  migration: DestinationMigration;
}
type Half = SourceHalf | DestinationHalf;

/** Of the migrations that are over so many are kept in memory; of the others the journal tells. */
const overInMemory = 10;

export class Migrations {
  readonly #machine: Machine;
  readonly #halves = new Map<string, Half>();
  readonly #leases = new Map<string, { ms: number; timer: NodeJS.Timeout; endsAt: string }>();

  #isEnding = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** What was under way when the agent ended is brought to its end; resolves when nothing is left to decide here. */
  async recover(): Promise<void> {
    for (const record of await this.#machine.journal.list()) {
      if (record.state === 'finished' || record.state === 'rolled-back' || record.state === 'aborted')
        continue;
      if (record.role === 'destination' && record.state === 'committed') {
        await recoverCommitted(this.#machine, record, () => this.#openDestination(record).migration);
        continue;
      }
      const half = await this.#open(record).catch((error) => {
        this.#machine.context.log.error(
          { err: error, migration: record.id },
          'a migration could not be taken up again',
        );
      });
      if (!half) continue;
      const recovering = half.migration.recover();
      // A source that waits for the other host's word must not keep this agent from serving.
      if (record.state === 'permitted') recovering.catch(() => {});
      else await recovering;
    }
    await this.#machine.journal.prune();
  }

  /**
   * No migration is begun any more, and those under way are brought to their end: a destination that is restoring ends
   * what it does, all else turns back. A source that waits for a destination's word may have to leave it at that: its
   * journal takes it up again.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    const reason = new CmigError(
      'cancelled',
      `the agent of ${this.#machine.context.config.name} is being stopped`,
    );
    const underWay = [...this.#halves.values()].filter(({ migration }) => !migration.ended);
    await Promise.allSettled(
      underWay.map((half) =>
        half.role === 'destination' && half.migration.restoring
          ? half.migration.restore()
          : half.migration.abort(reason),
      ),
    );
  }

  async prepare(params: Params<'migration.prepare'>): Promise<void> {
    const { facts } = params;
    const record: DestinationRecord = {
      role: 'destination',
      id: params.migration,
      application: facts.manifest.metadata.name,
      from: params.from,
      to: this.#machine.context.config.name,
      strategy: params.strategy,
      epoch: facts.epoch + 1,
      startedAt: new Date().toISOString(),
      state: 'prepared',
      phases: {},
      facts,
    };
    await this.#mustBeNew(params.migration);
    this.#claim(record);
    this.#forgetOld();
    const half = this.#openDestination(record);
    this.#renew(params.migration, params.leaseMs);
    await half.migration.prepare();
  }

  async presync(params: Params<'migration.presync'>): Promise<Result<'migration.presync'>> {
    const { applications, context } = this.#machine;
    const application = await applications.get(params.application);
    if (!application)
      throw new CmigError(
        'not-found',
        `there is no application ${params.application} on ${context.config.name}`,
      );
    if (application.migration) {
      throw new CmigError(
        'conflict',
        `${params.application} is being migrated already (${application.migration.id})`,
      );
    }
    const record: SourceRecord = {
      role: 'source',
      id: params.migration,
      ...(application.manifest.metadata.labels ? { labels: application.manifest.metadata.labels } : {}),
      application: params.application,
      from: context.config.name,
      to: params.to,
      strategy: params.strategy,
      epoch: application.epoch + 1,
      startedAt: new Date().toISOString(),
      state: 'presyncing',
      phases: {},
      bytes: { presync: 0, files: 0, memory: 0 },
    };
    await this.#mustBeNew(params.migration);
    this.#claim(record);
    this.#forgetOld();
    const half = this.#openSource(record, application);
    this.#renew(params.migration, params.leaseMs);
    return await half.migration.presync();
  }

  async freeze({ migration: id }: Params<'migration.freeze'>): Promise<Result<'migration.freeze'>> {
    const { migration } = this.#source(id);
    await migration.freeze();
    const { phases, bytes, connections = 0 } = migration.record;
    return { phases, bytes, connections };
  }

  async restore({ migration: id }: Params<'migration.restore'>): Promise<Result<'migration.restore'>> {
    const half = this.#halves.get(id);
    if (half?.role !== 'destination') throw this.#unknown(id);
    await half.migration.restore();
    return { phases: half.migration.record.phases };
  }

  /** @throws CmigError `forbidden` where a host asks that has no part in the migration */
  async refuseStranger(id: string, identity: Identity | undefined): Promise<void> {
    if (identity?.role !== 'host') return;
    const record = this.#halves.get(id)?.migration.record ?? (await this.#machine.journal.get(id));
    if (!record || record.from === identity.name || record.to === identity.name) return;
    throw new CmigError('forbidden', `${identityText(identity)} has no part in migration ${id}`);
  }

  async permit({ migration: id, withinMs }: Params<'migration.permit'>): Promise<void> {
    await this.#source(id).migration.permit(withinMs);
  }

  /** A person's word. @throws CmigError `conflict` that says why it is not possible, or not yet */
  async resolve(
    { migration: id, to, confirmed }: Params<'migration.resolve'>,
    by: string,
  ): Promise<Migration> {
    const half = this.#halves.get(id);
    if (!half) {
      const record = await this.#machine.journal.get(id);
      if (!record) throw this.#unknown(id);
      throw new CmigError('conflict', `migration ${id} is ${record.state} here: there is nothing to resolve`);
    }
    const { record } = half.migration;
    const before = record.resolved;
    await half.migration.resolve({ to, by, ...(confirmed ? { confirmed } : {}) });
    if (record.resolved && record.resolved !== before) {
      const events = new MigrationEvents(this.#machine.context.events, record);
      events.publish('migration.resolved', { resolution: record.resolved });
      this.#machine.context.log.warn({ migration: id, ...record.resolved }, 'resolved by a person');
    }
    if (half.role === 'source') {
      const settling = half.migration.settle();
      half.host.nudge.give();
      await settling;
    }
    return this.#show(record);
  }

  async finish({ migration: id }: Params<'migration.finish'>): Promise<Migration> {
    const record = this.#halves.has(id) ? undefined : await this.#machine.journal.get(id);
    if (record && hasEnded(record)) return this.#show(record);
    const { migration, host } = this.#source(id);
    const settling = migration.settle();
    host.nudge.give();
    await settling;
    return this.#show(migration.record);
  }

  async abort({ migration: id, reason }: Params<'migration.abort'>): Promise<Migration> {
    const half = this.#halves.get(id);
    if (!half) {
      const record = await this.#machine.journal.get(id);
      if (record && hasEnded(record)) return this.#show(record);
      throw this.#unknown(id);
    }
    const ending = half.migration.abort(new CmigError('cancelled', reason));
    if (half.role === 'source') half.host.nudge.give();
    await ending;
    return this.#show(half.migration.record);
  }

  renew({ migration: id }: Params<'migration.renew'>): void {
    const lease = this.#leases.get(id);
    if (lease) this.#renew(id, lease.ms);
  }

  async get({ migration: id }: Params<'migration.get'>): Promise<Migration> {
    const record = this.#halves.get(id)?.migration.record ?? (await this.#machine.journal.get(id));
    if (!record) throw this.#unknown(id);
    return this.#show(record);
  }

  async list(): Promise<Migration[]> {
    const records = await this.#machine.journal.list();
    return records.map((record) => this.#show(this.#halves.get(record.id)?.migration.record ?? record));
  }

  #renew(id: string, ms: number): void {
    clearTimeout(this.#leases.get(id)?.timer);
    const timer = setTimeout(() => this.#lapse(id), ms);
    timer.unref();
    this.#leases.set(id, { ms, timer, endsAt: new Date(Date.now() + ms).toISOString() });
  }

  // Nobody leads this migration any more. A destination that is restoring needs no orchestrator to end.
  #lapse(id: string): void {
    this.#leases.delete(id);
    const half = this.#halves.get(id);
    if (!half || half.migration.ended || (half.role === 'destination' && half.migration.restoring)) return;
    const reason = new CmigError(
      'cancelled',
      'the command that led the migration has not been heard of for too long',
    );
    half.migration
      .abort(reason)
      .catch((error) => this.#machine.context.log.error({ err: error }, 'turning back failed'));
  }

  async #open(record: MigrationRecord): Promise<Half> {
    if (record.role === 'destination') return this.#openDestination(record);
    return this.#openSource(record, await this.#machine.applications.get(record.application));
  }

  #openSource(record: SourceRecord, application: ApplicationRecord | undefined): SourceHalf {
    const peer = this.#machine.hosts.get(record.to);
    const containers = application?.manifest.spec.containers ?? [];
    const host = new SourceHost(this.#machine, record, peer, containers);
    const half: SourceHalf = { role: 'source', migration: new SourceMigration(record, host), host };
    this.#halves.set(record.id, half);
    return half;
  }

  #openDestination(record: DestinationRecord): DestinationHalf {
    const half: DestinationHalf = {
      role: 'destination',
      migration: new DestinationMigration(record, new DestinationHost(this.#machine, record)),
    };
    this.#halves.set(record.id, half);
    return half;
  }

  /** An agent lives for months, and none of its migrations may make it larger for good. */
  #forgetOld(): void {
    const over = [...this.#halves].filter(([, { migration }]) => isOver(migration.record)).map(([id]) => id);
    for (const id of over.slice(0, -overInMemory)) this.#halves.delete(id);
    void this.#machine.journal
      .prune()
      .catch((error) => this.#machine.context.log.warn({ err: error }, 'old journals were not removed'));
  }

  #source(id: string): SourceHalf {
    const half = this.#halves.get(id);
    if (half?.role !== 'source') throw this.#unknown(id);
    return half;
  }

  /**
   * One migration of an application at a time, whoever leads it: the mutex of the orchestrators is not all there is.
   * Nothing may be waited for between this and the entry in the table: of two at once one is to be turned away.
   */
  #claim({ id, application }: MigrationRecord): void {
    if (this.#isEnding)
      throw new CmigError('conflict', `the agent of ${this.#machine.context.config.name} is being stopped`, {
        hint: 'try again when it runs again',
      });
    if (this.#halves.has(id)) throw new CmigError('conflict', `migration ${id} is under way already`);
    for (const { migration } of this.#halves.values()) {
      if (migration.ended || migration.record.application !== application) continue;
      throw new CmigError('conflict', `${application} is being migrated already (${migration.record.id})`, {
        hint: `see: cmig describe migration ${migration.record.id}`,
      });
    }
  }

  async #mustBeNew(id: string): Promise<void> {
    // Also one of which only the journal is left, which must not be written over.
    if (await this.#machine.journal.get(id))
      throw new CmigError('conflict', `migration ${id} is under way already, or has ended`);
  }

  #unknown(id: string): CmigError {
    return new CmigError('not-found', `${this.#machine.context.config.name} knows no such migration: ${id}`, {
      hint: 'see: cmig get migrations',
    });
  }

  #show(record: MigrationRecord): Migration {
    const half = this.#halves.get(record.id);
    return toMigration(record, this.#machine.context.config.name, {
      leaseEndsAt: this.#leases.get(record.id)?.endsAt,
      awaitsSource: half?.role === 'destination' && half.migration.awaitsSource,
    });
  }
}
