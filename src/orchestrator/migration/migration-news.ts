// The events of one migration, to wait for and to show.
import type { BrokerConnection } from '../../broker/connection.ts';
import { type EventSubscription, subscribeEvents } from '../../broker/events.ts';
import type { Event, EventType } from '../../contract/events.ts';

const types = [
  'migration.started',
  'migration.stepped',
  'migration.progressed',
  'migration.frozen',
  'migration.transferred',
  'migration.restored',
  'migration.committed',
  'migration.finished',
  'migration.rolled-back',
  'migration.aborted',
  'image.progressed',
] as const satisfies EventType[];

/** Listens from before the first step on, so that nothing is missed. */
export class MigrationNews {
  readonly #subscription: EventSubscription;
  readonly #seen = new Set<EventType>();
  readonly #waiting = new Map<EventType, () => void>();
  #onEvent: (event: Event) => void = () => {};

  private constructor(subscription: EventSubscription, migration: string) {
    this.#subscription = subscription;
    void this.#read(migration);
  }

  static async open(connection: BrokerConnection, migration: string): Promise<MigrationNews> {
    return new MigrationNews(await subscribeEvents(connection, { types: [...types], stat: true }), migration);
  }

  onEvent(listener: (event: Event) => void): void {
    this.#onEvent = listener;
  }

  /** Resolves once there was an event of this type. Events are a courtesy: never wait for one alone. */
  async seen(type: EventType): Promise<void> {
    if (this.#seen.has(type)) return;
    await new Promise<void>((resolve) => this.#waiting.set(type, resolve));
  }

  async close(): Promise<void> {
    await this.#subscription.close();
  }

  async #read(migration: string): Promise<void> {
    for await (const event of this.#subscription) {
      if ('migration' in event.data && event.data.migration !== migration) continue;
      this.#seen.add(event.type);
      this.#waiting.get(event.type)?.();
      this.#onEvent(event);
    }
  }
}
