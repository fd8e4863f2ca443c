// Waits for the ends of long operations: by event, and by asking where the event may have been missed.
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Fault } from '../contract/fault.ts';
import type { LongMethodName } from '../contract/methods.ts';
import { eventExchange } from '../contract/protocol.ts';
import { CmigError, codeOf, fromFault } from '../core/errors.ts';
import { checkResult, decode } from './codec.ts';
import type { BrokerConnection } from './connection.ts';
import type { LongCallOptions, RpcClient } from './rpc-client.ts';
import { declareEventExchange } from './topology.ts';
import { isFromHost } from './vouched.ts';

const askEveryMs = 5000;
const defaultSilenceMs = 20_000;
/** A broker that is restarted on a busy machine takes less. */
const defaultBrokerAwayMs = 120_000;

/** How an operation ended, as the event and `operation.get` tell it. */
interface Ended {
  result?: unknown;
  fault?: unknown;
}

/** The ends that one client waits for. */
export class OperationEnds {
  readonly #connection: BrokerConnection;
  readonly #rpc: RpcClient;
  readonly #expected = new Map<string, ExpectedEnd>();
  #listening: Promise<() => void> | undefined;
  #channel: Channel | undefined;

  constructor(connection: BrokerConnection, rpc: RpcClient) {
    this.#connection = connection;
    this.#rpc = rpc;
  }

  /** Call it before the request is sent, so that no end can be missed, and `forget` what comes of it. */
  async expect(
    id: string,
    host: string,
    method: LongMethodName,
    options: LongCallOptions,
  ): Promise<ExpectedEnd> {
    await this.#connection.whenConnected(options.timeoutMs || undefined);
    this.#listening ??= this.#connection.onConnected(() => this.#listen());
    await this.#listening.catch((error) => {
      this.#listening = undefined;
      throw error;
    });
    const end = new ExpectedEnd(this.#connection, this.#rpc, { id, host, method }, options, () =>
      this.#expected.delete(id),
    );
    this.#expected.set(id, end);
    return end;
  }

  async close(): Promise<void> {
    const stop = await this.#listening?.catch(() => undefined);
    stop?.();
    await this.#channel?.close().catch(() => {});
    this.#channel = undefined;
  }

  async #listen(): Promise<void> {
    const channel = await this.#connection.channel();
    this.#channel = channel;
    await declareEventExchange(this.#connection, channel);
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
    await channel.bindQueue(queue, eventExchange, 'stat.operation.ended.*');
    await channel.consume(queue, (message) => this.#hear(message), { noAck: true });
    // What ended while there was no connection is asked for as soon as there is one again.
    setImmediate(() => {
      for (const end of this.#expected.values()) void end.ask();
    });
  }

  #hear(message: ConsumeMessage | null): void {
    if (!message || this.#expected.size === 0) return;
    try {
      const { data } = decode(message.content) as { data: Ended & { operation: string } };
      const end = this.#expected.get(data.operation);
      if (end && isFromHost(this.#connection, message.properties, end.host)) void end.settle(data);
    } catch {
      // Not an event. Asking makes up for it.
    }
  }
}

/** The end of one operation. */
export class ExpectedEnd {
  readonly result: Promise<unknown>;
  readonly #connection: BrokerConnection;
  readonly #rpc: RpcClient;
  readonly #subject: { id: string; host: string; method: LongMethodName };
  readonly #silenceMs: number;
  readonly #brokerAwayMs: number;
  readonly #forget: () => void;
  readonly #stopListening: () => void;
  readonly #limit: NodeJS.Timeout | undefined;
  #resolve!: (result: unknown) => void;
  #reject!: (error: unknown) => void;
  #asking: NodeJS.Timeout | undefined;
  #askedNow = false;
  #lastHeard = performance.now();
  #lastConnected = performance.now();

  constructor(
    connection: BrokerConnection,
    rpc: RpcClient,
    subject: { id: string; host: string; method: LongMethodName },
    { timeoutMs = 0, silenceMs = defaultSilenceMs, brokerAwayMs = defaultBrokerAwayMs }: LongCallOptions,
    forget: () => void,
  ) {
    this.#connection = connection;
    this.#rpc = rpc;
    this.#subject = subject;
    this.#silenceMs = silenceMs;
    this.#brokerAwayMs = brokerAwayMs;
    this.#forget = forget;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.result.catch(() => {}); // the request itself may fail before anyone waits for this
    const { method, host } = subject;
    if (timeoutMs > 0) {
      const error = new CmigError(
        'timeout',
        `${method} on ${host} did not end within ${timeoutMs / 1000} s`,
        { host, hint: 'it goes on there; "cmig events -w" tells how it ends' },
      );
      this.#limit = setTimeout(() => this.#reject(error), timeoutMs);
    }
    this.#stopListening = connection.onLost((error) => {
      if (!connection.reconnects || error.code === 'cancelled') this.#reject(error);
    });
  }

  /** Only its word counts. */
  get host(): string {
    return this.#subject.host;
  }

  /** The agent has begun: from now on silence is answered by asking. */
  accepted(): void {
    this.#lastHeard = performance.now();
    this.#asking = setInterval(() => void this.ask(), Math.min(askEveryMs, this.#silenceMs));
  }

  async settle({ result, fault }: Ended): Promise<void> {
    const { host, method } = this.#subject;
    if (fault) this.#reject(fromFault({ host, ...(fault as Fault) }));
    else await checkResult(method, result, host).then(() => this.#resolve(result), this.#reject);
  }

  async ask(): Promise<void> {
    if (!this.#asking || this.#askedNow) return;
    const { host, id, method } = this.#subject;
    if (!this.#connection.connected) {
      this.#lastHeard = performance.now(); // nobody can be heard: no silence of the host
      if (performance.now() - this.#lastConnected > this.#brokerAwayMs) {
        const { endpoint } = this.#connection;
        const seconds = Math.round(this.#brokerAwayMs / 1000);
        this.#reject(
          new CmigError(
            'unreachable',
            `the broker at ${endpoint} has been away for ${seconds} s: nobody can tell how ${method} on ${host} ends`,
            {
              host,
              hint: 'check that RabbitMQ runs and that the network is up, then look at how things are',
            },
          ),
        );
      }
      return;
    }
    this.#lastConnected = performance.now();
    this.#askedNow = true;
    try {
      const timeoutMs = Math.min(askEveryMs, this.#silenceMs);
      const { state, ...ended } = await this.#rpc.call(
        host,
        'operation.get',
        { operation: id },
        { timeoutMs },
      );
      this.#lastHeard = performance.now();
      if (state === 'unknown') {
        throw new CmigError(
          'failed',
          `${host} no longer knows of its ${method}: its agent was restarted meanwhile`,
          {
            host,
            hint: 'look at how things are now, then try again',
          },
        );
      }
      if (state !== 'running') await this.settle(ended);
    } catch (error) {
      if (!this.#connection.connected) this.#lastHeard = performance.now();
      const silent = performance.now() - this.#lastHeard > this.#silenceMs;
      if (codeOf(error) !== 'unreachable' || silent) this.#reject(error);
    } finally {
      this.#askedNow = false;
    }
  }

  forget(): void {
    clearInterval(this.#asking);
    this.#asking = undefined;
    clearTimeout(this.#limit);
    this.#stopListening();
    this.#forget();
  }
}
