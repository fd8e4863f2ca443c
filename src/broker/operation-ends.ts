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

const askAfterMs = 5000;
const defaultSilenceMs = 20_000;

export interface ExpectedEnd {
  result: Promise<unknown>;
  /** From now on silence is answered by asking. */
  accepted(): void;
  forget(): void;
}

interface Waiting {
  settle: (ended: { result?: unknown; fault?: unknown }) => void;
  ask: () => void;
}

export class OperationEnds {
  readonly #connection: BrokerConnection;
  readonly #rpc: RpcClient;
  readonly #waiting = new Map<string, Waiting>();
  #listening: Promise<() => void> | undefined;
  #channel: Channel | undefined;

  constructor(connection: BrokerConnection, rpc: RpcClient) {
    this.#connection = connection;
    this.#rpc = rpc;
  }

  /** Call it before the request is sent, so that no end can be missed. */
  async expect(
    id: string,
    host: string,
    method: LongMethodName,
    options: LongCallOptions,
  ): Promise<ExpectedEnd> {
    if (!this.#connection.connected) await this.#connection.whenConnected(options.timeoutMs || undefined);
    this.#listening ??= this.#connection.onConnected(() => this.#listen());
    await this.#listening.catch((error) => {
      this.#listening = undefined;
      throw error;
    });
    const { timeoutMs = 0, silenceMs = defaultSilenceMs } = options;
    let resolve!: (value: unknown) => void;
    let reject!: (error: unknown) => void;
    const result = new Promise<unknown>((onResult, onError) => {
      resolve = onResult;
      reject = onError;
    });
    result.catch(() => {}); // the request itself may fail first
    let lastHeard = performance.now();
    let asking = false;
    let interval: NodeJS.Timeout | undefined;
    const settle = async (ended: { result?: unknown; fault?: unknown }): Promise<void> => {
      if (ended.fault) return reject(fromFault({ host, ...(ended.fault as Fault) }));
      await checkResult(method, ended.result, host).then(() => resolve(ended.result), reject);
    };
    const ask = async (): Promise<void> => {
      if (!interval || asking || !this.#connection.connected) return;
      asking = true;
      try {
        const { state, ...ended } = await this.#rpc.call(host, 'operation.get', { operation: id });
        lastHeard = performance.now();
        if (state === 'unknown') {
          reject(
            new CmigError(
              'failed',
              `${host} no longer knows of its ${method}: its agent was restarted meanwhile`,
              {
                host,
                hint: 'look at how things are now, then try again',
              },
            ),
          );
        } else if (state !== 'running') await settle(ended);
      } catch (error) {
        if (!this.#connection.connected && this.#connection.reconnects) lastHeard = performance.now();
        else if (codeOf(error) !== 'unreachable' || performance.now() - lastHeard > silenceMs) reject(error);
      } finally {
        asking = false;
      }
    };
    const limit =
      timeoutMs === 0
        ? undefined
        : setTimeout(() => {
            reject(
              new CmigError('timeout', `${method} on ${host} did not end within ${timeoutMs / 1000} s`, {
                host,
              }),
            );
          }, timeoutMs);
    const stopListening = this.#connection.onLost((error) => {
      if (!this.#connection.reconnects || this.#connection.closed) reject(error);
    });
    this.#waiting.set(id, { settle: (ended) => void settle(ended), ask: () => void ask() });
    return {
      result,
      accepted: () => {
        lastHeard = performance.now();
        interval = setInterval(() => void ask(), Math.min(askAfterMs, silenceMs));
      },
      forget: () => {
        clearInterval(interval);
        clearTimeout(limit);
        stopListening();
        this.#waiting.delete(id);
      },
    };
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
    await declareEventExchange(channel);
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
    await channel.bindQueue(queue, eventExchange, 'stat.operation.ended.*');
    await channel.consume(queue, (message) => this.#ended(message), { noAck: true });
    // What ended while there was no connection: asked for once the connection is in use again.
    setImmediate(() => {
      for (const { ask } of this.#waiting.values()) ask();
    });
  }

  #ended(message: ConsumeMessage | null): void {
    if (!message || this.#waiting.size === 0) return;
    try {
      const { data } = decode(message.content) as {
        data: { operation: string; result?: unknown; fault?: unknown };
      };
      this.#waiting.get(data.operation)?.settle(data);
    } catch {
      // Not an event; whoever sent it will not hear of it here.
    }
  }
}
