// Follows what exists: one change after the other, by events, and by asking now and then for what no event tells.
import { setTimeout as sleep } from 'node:timers/promises';
import { subscribeEvents } from '../broker/events.ts';
import type { Application, ApplicationStatus } from '../contract/application.ts';
import type { Checkpoint } from '../contract/checkpoint.ts';
import type { Event, EventType } from '../contract/events.ts';
import type { Host } from '../contract/host.ts';
import type { Image } from '../contract/image.ts';
import type { Migration } from '../contract/migration.ts';
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import { type Inventory, type InventoryPart, readInventory } from './inventory.ts';

/** Something is new, is another than before, or is gone. */
export interface Change {
  part: InventoryPart;
  item: Application | Host | Checkpoint | Image | Migration;
  gone: boolean;
}

const askEveryMs = 5000;
/** Events of one moment are answered by one reading. */
const settleMs = 50;

const telling = {
  applications: ['application.changed', 'application.deleted', 'agent.started', 'agent.stopped'],
  hosts: [
    'agent.started',
    'agent.stopped',
    'host.cordoned',
    'host.uncordoned',
    'application.deployed',
    'application.deleted',
    'migration.finished',
  ],
  checkpoints: ['checkpoint.taken', 'checkpoint.restored', 'checkpoint.deleted'],
  images: [
    'image.received',
    'image.removed',
    'application.deployed',
    'application.deleted',
    'migration.finished',
  ],
  migrations: [
    'migration.started',
    'migration.stepped',
    'migration.frozen',
    'migration.committed',
    'migration.finished',
    'migration.rolled-back',
    'migration.aborted',
  ],
} satisfies Record<InventoryPart, EventType[]>;

/**
 * First everything that exists, as changes, then every change until the iteration is left. Outlives a loss of the
 * broker where the connection does.
 */
export async function* watchInventory(
  context: OrchestratorContext,
  parts: readonly InventoryPart[],
): AsyncGenerator<Change> {
  const types = [...new Set(parts.flatMap((part) => telling[part]))];
  const events = await subscribeEvents(context.connection, { types, stat: true });
  const iterator = events[Symbol.asyncIterator]();
  const known = new Known();
  try {
    yield* known.replace(await readInventory(context, { parts }), parts);
    let next = iterator.next();
    for (;;) {
      const arrived = await Promise.race([next, sleep(askEveryMs, undefined, { ref: false })]);
      if (arrived?.done) return;
      if (arrived) next = iterator.next();
      const patched = arrived && parts.includes('applications') ? known.patch(arrived.value) : undefined;
      if (patched) {
        yield* patched;
        continue;
      }
      if (arrived) await sleep(settleMs);
      const inventory = await readInventory(context, { parts }).catch((error) => {
        // Without a broker nothing can be told; it is asked again.
        if (error instanceof CmigError && context.connection.reconnects) return undefined;
        throw error;
      });
      if (inventory) yield* known.replace(inventory, parts);
    }
  } finally {
    await events.close();
  }
}

/** What was told last, so that only differences are told. */
class Known {
  readonly #items = new Map<string, { change: Change; print: string }>();

  /** The difference to an inventory. What a host that does not answer had is not gone, only unknown. */
  *replace(inventory: Inventory, parts: readonly InventoryPart[]): Generator<Change> {
    const seen = new Set<string>();
    for (const part of parts) {
      for (const item of inventory[part]) {
        seen.add(keyOf(part, item));
        yield* this.#tell({ part, item, gone: false });
      }
    }
    for (const [key, { change }] of this.#items) {
      if (seen.has(key) || !parts.includes(change.part)) continue;
      if (inventory.unreachable.includes(hostOf(change.item))) continue;
      this.#items.delete(key);
      yield { ...change, gone: true };
    }
  }

  /** The change that an event tells by itself; undefined where the hosts must be asked. */
  patch(event: Event): Change[] | undefined {
    if (event.type !== 'application.changed' && event.type !== 'application.deleted') return undefined;
    const entry = this.#items.get(`applications/${event.data.application}`);
    if (!entry) return undefined;
    const before = entry.change.item as Application;
    const elsewhere = before.status.host !== event.host;
    if (event.type === 'application.deleted') {
      if (elsewhere) return [];
      this.#items.delete(keyOf('applications', before));
      return [{ ...entry.change, gone: true }];
    }
    const status = event.data.status as ApplicationStatus;
    // A destination that only expects it, and a source that has let go, do not speak for it.
    if (status.epoch < before.status.epoch || (elsewhere && status.epoch === before.status.epoch)) return [];
    if (status.phase === 'Incoming' && elsewhere) return [];
    return [...this.#tell({ part: 'applications', item: { ...before, status }, gone: false })];
  }

  *#tell(change: Change): Generator<Change> {
    const key = keyOf(change.part, change.item);
    const print = fingerprint(change.item);
    if (this.#items.get(key)?.print === print) return;
    this.#items.set(key, { change, print });
    yield change;
  }
}

type Item = Change['item'];

const keyOf = (part: InventoryPart, item: Item) =>
  // Several hosts may have a copy of a checkpoint, or the same image.
  `${part}/${item.metadata.name}${item.kind === 'Checkpoint' || item.kind === 'Image' ? `@${item.status.host}` : ''}`;
const hostOf = (item: Item) => (item.kind === 'Host' ? item.metadata.name : item.status.host);

/** What makes a difference worth telling: of a host, not its figures. */
function fingerprint(item: Item): string {
  if (item.kind !== 'Host') return JSON.stringify(item);
  const { lastSeen, memoryAvailableBytes, diskAvailableBytes, statistics, message, ...status } = item.status;
  return JSON.stringify({ ...item, status });
}
