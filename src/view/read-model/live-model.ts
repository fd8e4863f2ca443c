// Keeps the model up to date by events: one reading of all hosts at the start and after each loss of the broker, and
// another one only where an event tells of something that it does not describe.
import { type EventSubscription, subscribeEvents } from '../../broker/events.ts';
import type { Event } from '../../contract/events.ts';
import { CmigError } from '../../core/errors.ts';
import type { OrchestratorContext } from '../../orchestrator/context.ts';
import { type InventoryPart, readInventory } from '../../orchestrator/inventory.ts';
import { readRecentEvents } from '../../orchestrator/recent-events.ts';
import { eventsOfLists, listsNeed, pictureNeeds } from './asking.ts';
import type { Draft } from './draft.ts';
import { emptyModel, type ReadModel } from './read-model.ts';
import { type ModelNews, reduceModel } from './reduce-model.ts';

interface Pace {
  /** Events of one moment are answered by one reading. */
  settleMs: number;
  betweenReadingsMs: number;
  /** A reading of many hosts, or of hosts that are busy, is not to be most of what they do. */
  pausePerReading: number;
  /** A host that takes longer counts as silent until it says something, or is asked again. */
  timeoutMs: number;
}

/** A picture is drawn of what happens within so long; of many hosts, something does all the time. */
const batchMs = 150;
const manyHosts = 50;
const batchOfManyMs = 350;
const paceOfPicture: Pace = {
  settleMs: batchMs,
  betweenReadingsMs: 1000,
  pausePerReading: 4,
  timeoutMs: 1500,
};
const paceOfLists: Pace = { settleMs: 50, betweenReadingsMs: 200, pausePerReading: 1, timeoutMs: 3000 };
/** Of a host that dies nobody tells a list, which hears no figures. */
const listsAskEveryMs = 5000;
const hourMs = 3_600_000;
/** What the picture shows. */
const partsOfPicture: readonly InventoryPart[] = ['hosts', 'applications', 'migrations'];

export interface LiveModelOptions {
  /** Whether to read what happened before; true for a picture if absent. */
  past?: boolean;
  /**
   * For lists of these kinds: each change is told by itself and at once, and everything is as its host would tell it.
   * If absent, for the picture: all that changes it is heard, and much of one moment is told at once.
   */
  listing?: readonly InventoryPart[];
}

export class LiveModel {
  readonly #context: OrchestratorContext;
  readonly #options: LiveModelOptions;
  readonly #listeners = new Set<() => void>();
  #state = emptyModel(Date.now());
  #waiting: { news: ModelNews; atMs: number }[] = [];
  #flushing: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #readAgain: NodeJS.Timeout | undefined;
  #lastReadMs = 0;
  #readingTookMs = 0;
  /** What came during a reading, of which the answers may be older. */
  #during: ModelNews[] | undefined;
  #subscription: EventSubscription | undefined;
  #stops: (() => void)[] = [];
  #closed = false;
  readonly #pace: Pace;
  readonly #parts: readonly InventoryPart[];
  /** Settles when what happened before has been read, so far as it could be. */
  past: Promise<unknown> = Promise.resolve();

  constructor(context: OrchestratorContext, options: LiveModelOptions = {}) {
    this.#context = context;
    this.#options = options;
    this.#pace = options.listing ? paceOfLists : paceOfPicture;
    this.#parts = options.listing ?? partsOfPicture;
  }

  /** Another object after every change. */
  get state(): ReadModel {
    return this.#state;
  }

  /** Calls after every change; for a picture at most seven times a second. Answers how to take it back. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Settles when the hosts have been asked once. @throws CmigError `unreachable` where no agent answers; it goes on all the same */
  async start(): Promise<void> {
    const { connection } = this.#context;
    const { listing } = this.#options;
    const heard = listing ? { types: eventsOfLists(listing) } : { stat: true };
    this.#subscription = await subscribeEvents(connection, heard);
    void this.#listen(this.#subscription).catch(() => {});
    this.#stops.push(connection.onLost(() => this.#tell({ type: 'connection', connected: false })));
    let first = true;
    this.#stops.push(
      await connection.onConnected(() => {
        if (first) return;
        // Only when all who come back with the connection have done so.
        setImmediate(() => {
          this.#tell({ type: 'connection', connected: true });
          this.refresh();
          this.#readPast();
        });
      }),
    );
    first = false;
    this.#readPast();
    await this.#read();
    if (!listing || this.#closed) return;
    const asking = setInterval(() => this.refresh(), listsAskEveryMs);
    this.#stops.push(() => clearInterval(asking));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    clearTimeout(this.#flushing);
    clearTimeout(this.#readAgain);
    await this.#subscription?.close();
  }

  /** Asks all hosts again, soon. */
  refresh(): void {
    if (this.#closed || this.#readAgain) return;
    const { settleMs, betweenReadingsMs, pausePerReading } = this.#pace;
    const pauseMs = Math.max(betweenReadingsMs, this.#readingTookMs * pausePerReading);
    const waitMs = Math.max(settleMs, this.#lastReadMs + pauseMs - Date.now());
    this.#readAgain = setTimeout(() => {
      this.#readAgain = undefined;
      if (!this.#context.connection.connected) return;
      if (this.#reading) return this.refresh();
      this.#read().catch(() => {});
    }, waitMs);
  }

  async #listen(subscription: EventSubscription): Promise<void> {
    for await (const event of subscription) {
      if (event.type === 'operation.ended') continue;
      // Nobody answered before, and now somebody is there.
      if (this.#state.complete ? this.#needsReading(event) : !this.#reading) this.refresh();
      this.#tell({ type: 'event', event });
    }
  }

  #needsReading(event: Event): boolean {
    if (this.#options.listing) return listsNeed(this.#state, event, this.#parts);
    return pictureNeeds(this.#state, event, Date.now());
  }

  #read(): Promise<void> {
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    this.#lastReadMs = Date.now();
    this.#during = [];
    try {
      const parts = this.#parts;
      const inventory = await readInventory(this.#context, { timeoutMs: this.#pace.timeoutMs, parts });
      const during = this.#during;
      this.#flush();
      this.#apply({ type: 'inventory', inventory, parts });
      const draft: Draft = new Set();
      for (const news of during) this.#apply(news, Date.now(), draft);
      this.#publish();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (this.#context.connection.connected) this.#tell({ type: 'problem', message });
      throw error instanceof CmigError ? error : new CmigError('failed', message, { cause: error });
    } finally {
      this.#readingTookMs = Date.now() - this.#lastReadMs;
      this.#during = undefined;
    }
  }

  /** A courtesy: without it only what comes from now on is shown. */
  #readPast(): void {
    if (this.#options.listing || this.#options.past === false) return;
    const reading = readRecentEvents(this.#context, { limit: 100, reachMs: hourMs });
    this.past = reading.then(
      (events) => events.length > 0 && this.#tell({ type: 'past', events }),
      () => {},
    );
  }

  #tell(news: ModelNews): void {
    if (this.#closed) return;
    this.#waiting.push({ news, atMs: Date.now() });
    // A measurement is no change of state: told twice it would be a second one.
    if (news.type === 'event' && news.event.type !== 'host.measured') this.#during?.push(news);
    if (this.#options.listing) {
      this.#flush();
      this.#publish();
      return;
    }
    if (this.#flushing) return;
    const waitMs = this.#state.hosts.size > manyHosts ? batchOfManyMs : batchMs;
    this.#flushing = setTimeout(() => {
      this.#flush();
      this.#publish();
    }, waitMs);
  }

  #flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    const draft: Draft = new Set();
    for (const { news, atMs } of this.#waiting.splice(0)) this.#apply(news, atMs, draft);
  }

  #apply(news: ModelNews, atMs = Date.now(), draft?: Draft): void {
    this.#state = reduceModel(this.#state, news, atMs, draft);
  }

  #publish(): void {
    for (const listener of this.#listeners) listener();
  }
}
