// Hears what happens, and with `since` what has happened.
import type { Channel, ConsumeMessage } from 'amqplib';
import { type Event, EventEnvelope, type EventType, events } from '../contract/events.ts';
import { eventExchange, eventStream } from '../contract/protocol.ts';
import { AsyncQueue } from './async-queue.ts';
import { decode, newId } from './codec.ts';
import type { BrokerConnection } from './connection.ts';
import { declareEventStream } from './event-stream.ts';
import { fits } from './schema-check.ts';
import { declareEventExchange } from './topology.ts';
import { isFromHost } from './vouched.ts';

export interface SubscribeOptions {
  /** All that are kept if absent. */
  types?: readonly EventType[];
  hosts?: readonly string[];
  /** Figures too, where `types` does not say. */
  stat?: boolean;
  /** Begin with what the broker has kept since then; figures are not kept. */
  since?: Date | 'first';
}

export interface EventSubscription extends AsyncIterable<Event> {
  /** Settles when all that was kept at the time of subscribing has been handed out; at once without `since`. */
  readonly caughtUp: Promise<void>;
  /** Ends the iteration; does not throw. */
  close(): Promise<void>;
}

const markerType = 'cmig.marker';
const eventsInFlight = 500;
const isStat = (type: EventType): boolean => 'stat' in events[type];

/**
 * Events as they come. With `reconnect` it outlives a loss of the connection: kept events are made up for (with `since`),
 * others of that time are missed. Without, the iteration then throws `unreachable`.
 */
export async function subscribeEvents(
  connection: BrokerConnection,
  options: SubscribeOptions = {},
): Promise<EventSubscription> {
  const subscription = new Subscription(connection, options);
  await subscription.start();
  return subscription;
}

class Subscription implements EventSubscription {
  readonly caughtUp: Promise<void>;
  readonly #connection: BrokerConnection;
  readonly #options: SubscribeOptions;
  readonly #marker = newId();
  readonly #queue = new AsyncQueue<{ event?: Event; taken: () => void }>();
  readonly #types: Set<string>;
  #channels: Channel[] = [];
  #stops: (() => void)[] = [];
  #caughtUp: () => void = () => {};
  /** The last one read, so that a reconnection goes on after it. */
  #offset: number | undefined;
  #followed = false;

  constructor(connection: BrokerConnection, options: SubscribeOptions) {
    this.#connection = connection;
    this.#options = options;
    const all = Object.keys(events) as EventType[];
    this.#types = new Set(options.types ?? all.filter((type) => options.stat || !isStat(type)));
    this.caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
    if (!options.since) this.#caughtUp();
  }

  async start(): Promise<void> {
    this.#stops.push(await this.#connection.onConnected(() => this.#open()));
    this.#stops.push(
      this.#connection.onLost((error) => {
        if (error.code === 'cancelled') this.#queue.end();
        else if (!this.#connection.reconnects) this.#queue.fail(error);
      }),
    );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    try {
      for await (const { event, taken } of this.#queue) {
        taken();
        if (event) yield event;
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    this.#queue.end();
    await Promise.all(this.#channels.splice(0).map((channel) => channel.close().catch(() => {})));
  }

  async #open(): Promise<void> {
    this.#channels = [];
    const { since } = this.#options;
    const live = [...this.#types].filter((type) => !since || isStat(type as EventType)) as EventType[];
    if (live.length > 0) await this.#followLive(live);
    if (!since) return;
    const following = this.#followStream(since);
    // After a restart of the broker the stream takes a while, for which nobody else need wait.
    if (this.#followed) following.catch(() => {});
    else await following;
    this.#followed = true;
  }

  async #followLive(types: EventType[]): Promise<void> {
    const channel = await this.#connection.channel();
    this.#channels.push(channel);
    await declareEventExchange(this.#connection, channel);
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
    for (const key of bindingKeys(types, this.#options)) await channel.bindQueue(queue, eventExchange, key);
    await channel.consume(queue, (message) => message && this.#receive(message, () => {}), { noAck: true });
  }

  async #followStream(since: Date | 'first'): Promise<void> {
    await declareEventStream(this.#connection);
    const channel = await this.#connection.channel();
    this.#channels.push(channel);
    if (this.#offset === undefined) {
      // When it comes back, all that was kept before it has come too. It reaches no queue but the stream.
      channel.publish('', eventStream, Buffer.from('{}'), { type: markerType, messageId: this.#marker });
    }
    await channel.prefetch(eventsInFlight);
    const offset =
      this.#offset !== undefined
        ? this.#offset + 1
        : since === 'first'
          ? since
          : { '!': 'timestamp', value: Math.floor(since.getTime() / 1000) };
    await channel.consume(
      eventStream,
      (message) => {
        if (!message) return;
        const taken = (): void => {
          try {
            channel.ack(message);
          } catch {
            // The channel has gone.
          }
        };
        this.#offset = Number(message.properties.headers?.['x-stream-offset']);
        const { type, messageId } = message.properties;
        if (type !== markerType) return this.#receive(message, taken, since);
        this.#queue.push({
          taken: () => {
            taken();
            if (messageId === this.#marker) this.#caughtUp();
          },
        });
      },
      { arguments: { 'x-stream-offset': offset } },
    );
  }

  #receive(message: ConsumeMessage, taken: () => void, since?: Date | 'first'): void {
    const event = readEvent(message.content);
    const { hosts } = this.#options;
    const wanted =
      event &&
      isFromHost(this.#connection, message.properties, event.host) &&
      this.#types.has(event.type) &&
      (!hosts || hosts.includes(event.host)) &&
      // The stream begins at a whole chunk, which may hold older ones.
      (!(since instanceof Date) || new Date(event.time) >= since);
    this.#queue.push(wanted ? { event, taken } : { taken });
  }
}

function readEvent(content: Buffer): Event | undefined {
  try {
    const event = decode(content);
    if (!fits(EventEnvelope, event)) return undefined;
    const { type, data } = event as Event;
    return fits(events[type].data, data) ? (event as Event) : undefined;
  } catch {
    return undefined;
  }
}

/** What to bind a queue with to get these types of these hosts. */
export function bindingKeys(
  types: readonly EventType[],
  { hosts, types: chosen, stat }: SubscribeOptions,
): string[] {
  const ends = hosts ?? ['*'];
  if (!chosen)
    return (stat ? ['log.#', 'stat.#'] : ['log.#']).flatMap((key) =>
      hosts ? ends.map((host) => `${key}.${host}`) : [key],
    );
  return types.flatMap((type) => ends.map((host) => `${isStat(type) ? 'stat' : 'log'}.${type}.${host}`));
}
