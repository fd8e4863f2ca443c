// Publishes the events of one migration, each with what identifies it.
import type { EventPublisher } from '../../src/broker/events.ts';
import type { EventData, EventType } from '../../src/contract/events.ts';
import type { MigrationIdentity, MigrationStep } from '../../src/contract/migration.ts';
import type { TransferProgress } from '../transfer/peer-transfer.ts';

export class MigrationEvents {
  readonly #events: Pick<EventPublisher, 'publish'>;
  readonly #identity: MigrationIdentity;

  constructor(
    events: Pick<EventPublisher, 'publish'>,
    record: { id: string; application: string; from: string; to: string },
  ) {
    this.#events = events;
    this.#identity = {
      application: record.application,
      migration: record.id,
      from: record.from,
      to: record.to,
    };
  }

  publish<T extends Extract<EventType, `migration.${string}`>>(
    type: T,
    data: Omit<EventData<T>, keyof MigrationIdentity>,
  ): void {
    this.#events.publish(type, { ...this.#identity, ...data } as EventData<T>);
  }

  progressed(step: MigrationStep, progress: TransferProgress, totalBytes?: number): void {
    this.publish('migration.progressed', {
      step,
      ...progress,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
  }
}
