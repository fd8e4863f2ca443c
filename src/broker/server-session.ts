// The server's end of a stream: frames to the client's queue, in order and no faster than it reads.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import type { Frame } from '../contract/methods.ts';
import type { TerminalSize } from '../contract/terminal.ts';
import { AsyncQueue } from './async-queue.ts';
import { encode } from './codec.ts';
import type { BrokerConnection } from './connection.ts';
import { sessionBeatMs, sessionQueueLength } from './topology.ts';

/** What a handler of a stream gets. */
export interface ServerStream {
  /** Settles when the next frame may be sent: await it. Frames after `end`, or after the client has gone, are dropped. */
  send(frame: Frame): Promise<void>;
  /** What the client writes; ends when it ends its input or has gone. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Calls with each size that the client's terminal gets. */
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborted when the client has closed the stream or has gone. */
  readonly closed: AbortSignal;
}

/** The depth of the queue is asked for once in so many frames. */
const framesBetweenChecks = 64;
const inputHeldBytes = 1024 * 1024;

export class ServerSession implements ServerStream {
  readonly input: AsyncIterable<Uint8Array>;
  readonly #inputs = new AsyncQueue<Uint8Array>();
  readonly #name: string;
  readonly #channel: Channel;
  readonly #abort = new AbortController();
  readonly #beat: NodeJS.Timeout;
  #sent = 0;
  #ended = false;
  #sending: Promise<void> = Promise.resolve();
  #heldBytes = 0;
  #onResize: (size: TerminalSize) => void = () => {};

  static async open(connection: BrokerConnection, name: string): Promise<ServerSession> {
    return new ServerSession(name, await connection.channel());
  }

  private constructor(name: string, channel: Channel) {
    this.#name = name;
    this.#channel = channel;
    this.input = { [Symbol.asyncIterator]: () => this.#readInputs() };
    channel.on('return', () => this.abort());
    channel.on('close', () => this.abort());
    this.#beat = setInterval(() => this.#publish(Buffer.alloc(0), 'beat'), sessionBeatMs);
    this.closed.addEventListener('abort', () => clearInterval(this.#beat), { once: true });
  }

  get closed(): AbortSignal {
    return this.#abort.signal;
  }

  send(frame: Frame): Promise<void> {
    // One after the other, also for those who do not await.
    const sent = this.#sending.then(() => this.#send(frame));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  /** Settles when there is room for more. */
  async take(data: Uint8Array): Promise<void> {
    if (this.closed.aborted) return;
    this.#inputs.push(data);
    this.#heldBytes += data.length;
    while (this.#heldBytes > inputHeldBytes && !this.closed.aborted) await sleep(10);
  }

  onResize(listener: (size: TerminalSize) => void): void {
    this.#onResize = listener;
  }

  resize(size: TerminalSize): void {
    this.#onResize(size);
  }

  /** No more input comes. */
  endInput(): void {
    this.#inputs.end();
  }

  /** The client has gone, or wants no more. */
  abort(): void {
    this.#inputs.end();
    this.#abort.abort();
  }

  /** Nothing follows. */
  async finish(): Promise<void> {
    await this.#sending;
    this.abort();
    await this.#channel.close().catch(() => {});
  }

  async *#readInputs(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const data of this.#inputs) {
      this.#heldBytes -= data.length;
      yield data;
    }
  }

  async #send(frame: Frame): Promise<void> {
    if (this.#ended || this.closed.aborted) return;
    if (frame.type === 'end') this.#ended = true;
    this.#publish(encode(frame, 'a frame'));
    if (++this.#sent % framesBetweenChecks !== 0) return;
    while (!this.closed.aborted && (await this.#depth()) > sessionQueueLength) await sleep(10);
  }

  /** How many frames the client has not read; the question also comes back only when all before it has arrived. */
  async #depth(): Promise<number> {
    try {
      return (await this.#channel.checkQueue(this.#name)).messageCount;
    } catch {
      this.abort();
      return 0;
    }
  }

  #publish(content: Buffer, type?: string): void {
    if (this.closed.aborted) return;
    try {
      this.#channel.publish('', this.#name, content, { mandatory: true, ...(type ? { type } : {}) });
    } catch {
      this.abort();
    }
  }
}
