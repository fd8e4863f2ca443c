// All migrations of this host, in either role: finds the half that a request is for, and keeps the leases.

import type { Params, Result } from '../../src/contract/methods.ts';
import type { Migration } from '../../src/contract/migration.ts';
import { CmigError } from '../../src/core/errors.ts';
import { DestinationHost } from './destination-host.ts';
import { DestinationMigration } from './destination-migration.ts';
import {
  type DestinationRecord,
  hasEnded,
  type MigrationRecord,
  type SourceRecord,
  toMigration,
} from './journal.ts';
import type { Machine } from './machine.ts';
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

export class Migrations {
  readonly #machine: Machine;
  readonly #halves = new Map<string, Half>();
  readonly #leases = new Map<string, { ms: number; timer: NodeJS.Timeout }>();

  #isEnding = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** What was under way when the agent ended is brought to its end; resolves when nothing is left to decide here. */
  async recover(): Promise<void> {
    for (const record of await this.#machine.journal.list()) {
      if (record.state === 'finished' || record.state === 'rolled-back' || record.state === 'aborted')
        continue;
      const half = await this.#open(record).catch((error) => {
        this.#machine.context.log.error(
          { err: error, migration: record.id },
          'a migration could not be taken up again',
        );
      });
      if (
        !half ||
        (half.role === 'destination' && record.state === 'committed' && (await this.#isSettled(record)))
      )
        continue;
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
    this.#mustBeNew(params.migration);
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
    this.#mustBeNew(params.migration);
    const half = await this.#openSource(record);
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

  async permit({ migration: id }: Params<'migration.permit'>): Promise<void> {
    await this.#source(id).migration.permit();
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
    this.#leases.set(id, { ms, timer });
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
    return record.role === 'destination' ? this.#openDestination(record) : await this.#openSource(record);
  }

  async #openSource(record: SourceRecord): Promise<SourceHalf> {
    const peer = this.#machine.hosts.get(record.to);
    const application = await this.#machine.applications.get(record.application);
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

  // Committed and taken into care before: opening once more would disturb what runs.
  async #isSettled(record: MigrationRecord): Promise<boolean> {
    const application = await this.#machine.applications.get(record.application);
    return application?.migration?.id !== record.id;
  }

  #source(id: string): SourceHalf {
    const half = this.#halves.get(id);
    if (half?.role !== 'source') throw this.#unknown(id);
    return half;
  }

  #mustBeNew(id: string): void {
    if (this.#isEnding)
      throw new CmigError('conflict', `the agent of ${this.#machine.context.config.name} is being stopped`, {
        hint: 'try again when it runs again',
      });
    if (this.#halves.has(id)) throw new CmigError('conflict', `migration ${id} is under way already`);
  }

  #unknown(id: string): CmigError {
    return new CmigError('not-found', `${this.#machine.context.config.name} knows no such migration: ${id}`, {
      hint: 'see: cmig get migrations',
    });
  }

  #show(record: MigrationRecord): Migration {
    return toMigration(record, this.#machine.context.config.name);
  }
}
