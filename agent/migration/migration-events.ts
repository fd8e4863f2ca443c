// Publishes the events of one migration, each with what identifies it.
import type { EventPublisher } from '../../src/broker/events.ts';
import type { EventData, EventType } from '../../src/contract/events.ts';
import type { MigrationStep } from '../../src/contract/migration.ts';
import type { TransferProgress } from '../transfer/peer-transfer.ts';

const betweenProgressMs = 150;

interface Identity {
  application: string;
  migration: string;
  from: string;
  to: string;
}

export class MigrationEvents {
  readonly #events: Pick<EventPublisher, 'publish'>;
  readonly #identity: Identity;
  #progressedAtMs = Number.NEGATIVE_INFINITY;

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
    data: Omit<EventData<T>, keyof Identity>,
  ): void {
    this.#events.publish(type, { ...this.#identity, ...data } as EventData<T>);
  }

  /** Not every line of rsync's is worth a message, least of all while the application is frozen. */
  progressed(step: MigrationStep, progress: TransferProgress, totalBytes?: number): void {
    const now = performance.now();
    if (now - this.#progressedAtMs < betweenProgressMs) return;
    this.#progressedAtMs = now;
    this.publish('migration.progressed', {
      step,
      ...progress,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
  }
}
