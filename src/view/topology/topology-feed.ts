// Keeps what is known up to date by events: one reading of all hosts at the start and after each loss of the broker,
// and another one only where an event tells of something that it does not describe.
import { type EventSubscription, subscribeEvents } from '../../broker/events.ts';
import type { EventType } from '../../contract/events.ts';
import { CmigError } from '../../core/errors.ts';
import type { OrchestratorContext } from '../../orchestrator/context.ts';
import { type InventoryPart, readInventory } from '../../orchestrator/inventory.ts';
import { readRecentEvents } from '../../orchestrator/recent-events.ts';
import { asksForInventory, type Draft, reduceTopology, type TopologyNews } from './reduce-topology.ts';
import { emptyTopology, type TopologyState } from './topology-state.ts';

/** What happens within so long is shown at once; of many hosts, something does all the time. */
const batchMs = 150;
const manyHosts = 50;
const batchOfManyMs = 350;
const betweenReadingsMs = 1000;
/** A reading of many hosts, or of hosts that are busy, is not to be most of what they do. */
const pausePerReading = 4;
/** A host that takes longer is shown without its details, until it says something. */
const readingTimeoutMs = 1500;
const hourMs = 3_600_000;
/** What the picture shows. */
const parts: readonly InventoryPart[] = ['hosts', 'applications', 'migrations'];

export interface TopologyFeedOptions {
  /** Whether to read what happened before; true if absent. */
  past?: boolean;
  /** What is heard; everything that changes the picture if absent. */
  types?: readonly EventType[];
}

export class TopologyFeed {
  readonly #context: OrchestratorContext;
  readonly #options: TopologyFeedOptions;
  readonly #listeners = new Set<() => void>();
  #state = emptyTopology(Date.now());
  #waiting: { news: TopologyNews; atMs: number }[] = [];
  #flushing: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #readAgain: NodeJS.Timeout | undefined;
  #lastReadMs = 0;
  #readingTookMs = 0;
  /** What came during a reading, of which the answers may be older. */
  #during: TopologyNews[] | undefined;
  #subscription: EventSubscription | undefined;
  #stops: (() => void)[] = [];
  #closed = false;
  /** Settles when what happened before has been read, so far as it could be. */
  past: Promise<unknown> = Promise.resolve();

  constructor(context: OrchestratorContext, options: TopologyFeedOptions = {}) {
    this.#context = context;
    this.#options = options;
  }

  /** Another object after every change. */
  get state(): TopologyState {
    return this.#state;
  }

  /** Calls after every change, at most seven times a second. Answers how to take it back. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Settles when the hosts have been asked once. @throws CmigError `unreachable` where no agent answers; it goes on all the same */
  async start(): Promise<void> {
    const { connection } = this.#context;
    const { types } = this.#options;
    this.#subscription = await subscribeEvents(connection, types ? { types } : { stat: true });
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
    const pauseMs = Math.max(betweenReadingsMs, this.#readingTookMs * pausePerReading);
    const waitMs = Math.max(batchMs, this.#lastReadMs + pauseMs - Date.now());
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
      if (this.#state.complete && asksForInventory(this.#state, event, Date.now())) this.refresh();
      // Nobody answered before, and now somebody is there.
      if (!this.#state.complete && !this.#reading) this.refresh();
      this.#tell({ type: 'event', event });
    }
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
      const inventory = await readInventory(this.#context, { timeoutMs: readingTimeoutMs, parts });
      const during = this.#during;
      this.#flush();
      this.#apply({ type: 'inventory', inventory });
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
    if (this.#options.past === false) return;
    const reading = readRecentEvents(this.#context, { limit: 100, reachMs: hourMs });
    this.past = reading.then(
      (events) => events.length > 0 && this.#tell({ type: 'past', events }),
      () => {},
    );
  }

  #tell(news: TopologyNews): void {
    if (this.#closed) return;
    this.#waiting.push({ news, atMs: Date.now() });
    // A measurement is no change of state: told twice it would be a second one.
    if (news.type === 'event' && news.event.type !== 'host.measured') this.#during?.push(news);
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

  #apply(news: TopologyNews, atMs = Date.now(), draft?: Draft): void {
    this.#state = reduceTopology(this.#state, news, atMs, draft);
  }

  #publish(): void {
    for (const listener of this.#listeners) listener();
  }
}
