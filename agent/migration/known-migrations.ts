// The halves of migrations that this host has in memory: each made once, and one of an application at a time.
import { CmigError } from '../../src/core/errors.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { DestinationHost } from './destination-host.ts';
import { DestinationMigration } from './destination-migration.ts';
import { type DestinationRecord, isOver, type MigrationRecord, type SourceRecord } from './journal.ts';
import type { Machine } from './machine.ts';
import { SourceHost } from './source-host.ts';
import { SourceMigration } from './source-migration.ts';

export interface SourceHalf {
  role: 'source';
  migration: SourceMigration;
  host: SourceHost;
}
export interface DestinationHalf {
  role: 'destination';
  migration: DestinationMigration;
}
export type Half = SourceHalf | DestinationHalf;

/** Of the migrations that are over so many are kept in memory; of the others the journal tells. */
const overInMemory = 10;

export class KnownMigrations {
  readonly #machine: Machine;
  readonly #halves = new Map<string, Half>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get(id: string): Half | undefined {
    return this.#halves.get(id);
  }

  underWay(): Half[] {
    return [...this.#halves.values()].filter(({ migration }) => !migration.ended);
  }

  /** As the journal has it. */
  async open(record: MigrationRecord): Promise<Half> {
    if (record.role === 'destination') return this.openDestination(record);
    return this.openSource(record, await this.#machine.applications.get(record.application));
  }

  openSource(record: SourceRecord, application: ApplicationRecord | undefined): SourceHalf {
    const peer = this.#machine.hosts.get(record.to);
    const containers = application?.manifest.spec.containers ?? [];
    const host = new SourceHost(this.#machine, record, peer, containers);
    const half: SourceHalf = { role: 'source', migration: new SourceMigration(record, host), host };
    this.#halves.set(record.id, half);
    return half;
  }

  openDestination(record: DestinationRecord): DestinationHalf {
    const half: DestinationHalf = {
      role: 'destination',
      migration: new DestinationMigration(record, new DestinationHost(this.#machine, record)),
    };
    this.#halves.set(record.id, half);
    return half;
  }

  /**
   * One migration of an application at a time, whoever leads it: the mutex of the orchestrators is not all there is.
   * Nothing may be waited for between this and the opening: of two at once one is to be turned away.
   * @throws CmigError `conflict`
   */
  mustBeAlone({ id, application }: MigrationRecord): void {
    if (this.#halves.has(id)) throw new CmigError('conflict', `migration ${id} is under way already`);
    for (const { migration } of this.underWay()) {
      if (migration.record.application !== application) continue;
      throw new CmigError('conflict', `${application} is being migrated already (${migration.record.id})`, {
        hint: `see: cmig describe migration ${migration.record.id}`,
      });
    }
  }

  /** An agent lives for months, and none of its migrations may make it larger for good. */
  forgetOld(): void {
    const over = [...this.#halves].filter(([, { migration }]) => isOver(migration.record)).map(([id]) => id);
    for (const id of over.slice(0, -overInMemory)) this.#halves.delete(id);
    void this.#machine.journal
      .prune()
      .catch((error) => this.#machine.context.log.warn({ err: error }, 'old journals were not removed'));
  }
}
