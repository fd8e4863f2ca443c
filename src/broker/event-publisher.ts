// Publishes what has happened: figures as they come, all else until the broker has confirmed it.
import type { ConfirmChannel } from 'amqplib';
import { type EventData, type EventType, events, routingKey } from '../contract/events.ts';
import { eventExchange } from '../contract/protocol.ts';
import { codeOf } from '../core/errors.ts';
import { encode, newId } from './codec.ts';
import type { BrokerConnection } from './connection.ts';
import { declareEventStream } from './event-stream.ts';
import { declareEventExchange } from './topology.ts';

const keptAtMost = 1000;

interface Unconfirmed {
  key: string;
  content: Buffer;
}

/** Nobody may miss these: they are kept until confirmed and sent again after a reconnection. */
const mustArrive = (type: EventType): boolean => !('stat' in events[type]) || type === 'operation.ended';

const isLog = (key: string): boolean => key.startsWith('log.');

export class EventPublisher {
  readonly #host: string;
  readonly #connection: BrokerConnection;
  readonly #onProblem: ((error: unknown) => void) | undefined;
  /** By id of the event, oldest first. */
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  readonly #registered: Promise<(() => void) | undefined>;
  #channel: ConfirmChannel | undefined;
  /** What the stream keeps may be sent. */
  #streamReady = false;
  #closed = false;

  constructor(connection: BrokerConnection, host: string, onProblem?: (error: unknown) => void) {
    this.#host = host;
    this.#connection = connection;
    this.#onProblem = onProblem;
    this.#registered = connection
      .onConnected(() => this.#open())
      .catch((error) => {
        onProblem?.(error);
        return undefined;
      });
  }

  /** Never throws and never waits. While there is no connection figures are dropped, and the last 1000 others kept. */
  publish<T extends EventType>(type: T, data: EventData<T>): void {
    if (this.#closed) return;
    const event = { id: newId(), type, time: new Date().toISOString(), host: this.#host, data };
    let content: Buffer;
    try {
      content = encode(event, `the event ${type}`);
    } catch (error) {
      this.#onProblem?.(error);
      return;
    }
    const key = routingKey(type, this.#host);
    if (!mustArrive(type)) {
      this.#send(key, content);
      return;
    }
    this.#unconfirmed.set(event.id, { key, content });
    if (this.#unconfirmed.size > keptAtMost) {
      const [oldest] = this.#unconfirmed.keys();
      this.#unconfirmed.delete(oldest!);
    }
    this.#send(key, content, event.id);
  }

  /** Settles when all that must arrive has been confirmed, or after `timeoutMs`. */
  async flush(timeoutMs = 1000): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (this.#unconfirmed.size > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Sends what is left, for a second at most; publishes nothing more. Does not throw. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    (await this.#registered)?.();
    await this.#channel?.close().catch(() => {});
  }

  #send(key: string, content: Buffer, id?: string): void {
    const channel = this.#channel;
    // Not before all that must be declared on the connection is: who is heard takes requests, too.
    if (!channel || !this.#connection.connected || (!this.#streamReady && isLog(key))) return;
    try {
      channel.publish(
        eventExchange,
        key,
        content,
        { contentType: 'application/json', ...(id ? { messageId: id } : {}) },
        (error) => {
          if (!id) return;
          if (!error) this.#unconfirmed.delete(id);
          // Refused though the channel lives: the broker is short of something.
          else setTimeout(() => this.#channel === channel && this.#sendAgain(id), 1000).unref();
        },
      );
    } catch {
      // The channel has just gone: its `close` leads to another.
    }
  }

  #sendAgain(id: string): void {
    const kept = this.#unconfirmed.get(id);
    if (kept) this.#send(kept.key, kept.content, id);
  }

  #tell(error: unknown): void {
    if (!this.#closed && !this.#connection.closed) this.#onProblem?.(error);
  }

  async #open(): Promise<void> {
    const channel = await this.#connection.confirmChannel();
    channel.on('close', () => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      // Where the connection has gone too, its return opens another.
      setTimeout(() => {
        if (this.#channel || !this.#connection.connected || this.#closed) return;
        this.#open().catch((error) => this.#tell(error));
      }, 500).unref();
    });
    await declareEventExchange(this.#connection, channel);
    this.#channel = channel;
    this.#streamReady = false;
    void this.#connection.whenConnected().then(
      () => this.#sendKept(),
      () => {}, // gone again: its return leads here
    );
    // Not awaited: after a restart of the broker it may take a while, and nobody else need wait for that.
    void this.#prepareStream(channel).catch((error) => this.#tell(error));
  }

  async #prepareStream(channel: ConfirmChannel): Promise<void> {
    try {
      await declareEventStream(this.#connection);
    } catch (error) {
      if (codeOf(error) !== 'unsupported') throw error;
      this.#onProblem?.(error); // a broker that does not keep the past still carries the present
    }
    if (this.#closed || this.#channel !== channel) return;
    this.#streamReady = true;
    this.#sendKept();
  }

  #sendKept(): void {
    for (const [id, { key, content }] of this.#unconfirmed) this.#send(key, content, id);
  }
}
