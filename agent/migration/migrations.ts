// All migrations of this host, in either role: finds the half that a request is for, and what a lapsed lease means to it.

import { type Identity, identityText } from '../../src/contract/identity.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { CmigError } from '../../src/core/errors.ts';
import {
  type DestinationRecord,
  hasEnded,
  type MigrationRecord,
  type SourceRecord,
  toMigration,
} from './journal.ts';
import { KnownMigrations, type SourceHalf } from './known-migrations.ts';
import { Leases } from './leases.ts';
import type { Machine } from './machine.ts';
import { MigrationEvents } from './migration-events.ts';
import { recoverCommitted } from './recover-committed.ts';

export class Migrations {
  readonly #machine: Machine;
  readonly #known: KnownMigrations;
  readonly #leases = new Leases((id) => this.#lapse(id));
  #isEnding = false;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#known = new KnownMigrations(machine);
  }

  /** What was under way when the agent ended is brought to its end; resolves when nothing is left to decide here. */
  async recover(): Promise<void> {
    for (const record of await this.#machine.journal.list()) {
      if (record.state === 'finished' || record.state === 'rolled-back' || record.state === 'aborted')
        continue;
      if (record.role === 'destination' && record.state === 'committed') {
        await recoverCommitted(this.#machine, record, () => this.#known.openDestination(record).migration);
        continue;
      }
      const half = await this.#known.open(record).catch((error) => {
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
    await Promise.allSettled(
      this.#known
        .underWay()
        .map((half) =>
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
    const half = this.#known.openDestination(record);
    this.#leases.begin(params.migration, params.leaseMs);
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
    const half = this.#known.openSource(record, application);
    this.#leases.begin(params.migration, params.leaseMs);
    return await half.migration.presync();
  }

  async freeze({ migration: id }: Params<'migration.freeze'>): Promise<Result<'migration.freeze'>> {
    const { migration } = this.#source(id);
    await migration.freeze();
    const { phases, bytes, connections = 0 } = migration.record;
    return { phases, bytes, connections };
  }

  async restore({ migration: id }: Params<'migration.restore'>): Promise<Result<'migration.restore'>> {
    const half = this.#known.get(id);
    if (half?.role !== 'destination') throw this.#unknown(id);
    await half.migration.restore();
    return { phases: half.migration.record.phases };
  }

  /** @throws CmigError `forbidden` where a host asks that has no part in the migration */
  async refuseStranger(id: string, identity: Identity | undefined): Promise<void> {
    if (identity?.role !== 'host') return;
    const record = this.#known.get(id)?.migration.record ?? (await this.#machine.journal.get(id));
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
    const half = this.#known.get(id);
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
    const record = this.#known.get(id) ? undefined : await this.#machine.journal.get(id);
    if (record && hasEnded(record)) return this.#show(record);
    const { migration, host } = this.#source(id);
    const settling = migration.settle();
    host.nudge.give();
    await settling;
    return this.#show(migration.record);
  }

  async abort({ migration: id, reason }: Params<'migration.abort'>): Promise<Migration> {
    const half = this.#known.get(id);
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
    this.#leases.renew(id);
  }

  async get({ migration: id }: Params<'migration.get'>): Promise<Migration> {
    const record = this.#known.get(id)?.migration.record ?? (await this.#machine.journal.get(id));
    if (!record) throw this.#unknown(id);
    return this.#show(record);
  }

  async list(): Promise<Migration[]> {
    const records = await this.#machine.journal.list();
    return records.map((record) => this.#show(this.#known.get(record.id)?.migration.record ?? record));
  }

  // Nobody leads this migration any more. A destination that is restoring needs no orchestrator to end.
  #lapse(id: string): void {
    const half = this.#known.get(id);
    if (!half || half.migration.ended || (half.role === 'destination' && half.migration.restoring)) return;
    const reason = new CmigError(
      'cancelled',
      'the command that led the migration has not been heard of for too long',
    );
    half.migration
      .abort(reason)
      .catch((error) => this.#machine.context.log.error({ err: error }, 'turning back failed'));
  }

  #source(id: string): SourceHalf {
    const half = this.#known.get(id);
    if (half?.role !== 'source') throw this.#unknown(id);
    return half;
  }

  #claim(record: MigrationRecord): void {
    if (this.#isEnding)
      throw new CmigError('conflict', `the agent of ${this.#machine.context.config.name} is being stopped`, {
        hint: 'try again when it runs again',
      });
    this.#known.mustBeAlone(record);
    this.#known.forgetOld();
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
    const half = this.#known.get(record.id);
    return toMigration(record, this.#machine.context.config.name, {
      leaseEndsAt: this.#leases.endOf(record.id),
      awaitsSource: half?.role === 'destination' && half.migration.awaitsSource,
    });
  }
}
