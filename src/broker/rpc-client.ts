// Asks agents: one request, one answer; long ones end with an event; streams send frames.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage, Message } from 'amqplib';
import type {
  LongMethodName,
  MethodName,
  Params,
  Result,
  ShortMethodName,
  StreamMethodName,
} from '../contract/methods.ts';
import { methods } from '../contract/methods.ts';
import { CmigError, fromFault } from '../core/errors.ts';
import { type Answer, decodeAnswer, encodeRequest, newId } from './codec.ts';
import { connectionLost } from './connect-error.ts';
import type { BrokerConnection } from './connection.ts';
import { OperationEnds } from './operation-ends.ts';
import { Interrupted, noSuchHost, notConnected, refuseParams, silent, unexpected } from './rpc-errors.ts';
import { openRpcStream, type RpcStream, type StreamOptions } from './rpc-stream.ts';
import { fits } from './schema-check.ts';
import { anyHost, requestQueue } from './topology.ts';
import { isFromHost } from './vouched.ts';

export interface CallOptions {
  /** How long the answer may take, in ms; that of the client if absent, 0 for no limit. */
  timeoutMs?: number;
  /** The request's id, by which an agent recognizes a repetition; made if absent. */
  id?: string;
  /**
   * Ask the broker whether the agent is connected, and fail at once where it is not: first, or `meanwhile`, which takes
   * no time where the agent answers; but an agent that comes back may then still do what was asked.
   */
  failFast?: boolean | 'meanwhile';
}

export interface LongCallOptions extends CallOptions {
  /** The agent has begun. */
  onAccepted?: () => void;
  /** After so long without any sign of the host, though the broker is there, it is given up; 20 000 if absent. */
  silenceMs?: number;
  /** After so long without the broker it is given up; 120 000 if absent. */
  brokerAwayMs?: number;
}

interface Pending {
  host: string;
  method: MethodName;
  resolve: (answer: Answer) => void;
  reject: (error: CmigError) => void;
}

const defaultTimeoutMs = 5000;
/** Between two attempts, should a channel go as soon as it comes. */
const pauseMs = 20;
/** An agent that is there answers sooner; where many are asked at once, a millisecond later for each. */
const doubtMs = 60;
const replyQueue = 'amq.rabbitmq.reply-to';

/** A clock that nobody sets; the first look at `performance` loads a module, which takes a short command half a millisecond. */
const steadyMs = (): number => process.uptime() * 1000;

export class RpcClient {
  readonly connection: BrokerConnection;
  /** How long answers may take, in ms, where something else is wanted than what is usual for each. */
  readonly requestTimeoutMs: number | undefined;
  readonly #caller: string;
  readonly #pending = new Map<string, Pending>();
  readonly #ends: OperationEnds;
  readonly #stopListening: () => void;
  #channel: Promise<Channel> | undefined;
  #lookUp: Promise<Channel> | undefined;
  readonly #looking = new Map<string, Promise<void>>();
  #count = 0;
  #closed = false;

  /** `caller`, such as user@machine (cmig 4711), is what agents log and tell to those whom they turn away. */
  constructor(
    connection: BrokerConnection,
    options: { caller: string; requestTimeoutMs?: number | undefined },
  ) {
    this.connection = connection;
    this.requestTimeoutMs = options.requestTimeoutMs;
    const { user } = connection;
    const { caller } = options;
    // Agents refuse who calls himself otherwise than the broker does.
    this.#caller = (user && !caller.startsWith(`${user}@`) ? `${user}@${caller}` : caller).slice(0, 256);
    this.#ends = new OperationEnds(connection, this);
    this.#stopListening = connection.onLost((error) => this.#drop(error));
  }

  /**
   * Asks `host`, or any agent for `*`. Where the connection comes back within the time limit, the request is repeated
   * under the same id, so that it is still done once.
   * @throws CmigError what the agent answered with; `not-found` where there is no such host; `unreachable` where it or
   * the broker does not answer; `invalid` where the params are wrong; `incompatible`
   */
  async call<M extends ShortMethodName>(
    host: string,
    method: M,
    params: Params<M>,
    options: CallOptions = {},
  ): Promise<Result<M>> {
    const answer = await this.request(host, method, params, options);
    if (!('result' in answer)) throw unexpected(host, method);
    return answer.result as Result<M>;
  }

  /**
   * Asks for something long and waits for its end, through losses of the connection, missed events and a restart of the
   * broker.
   * @throws CmigError as `call`; the fault with which the operation ended; `timeout`; `unreachable` where the broker stays away; `failed`
   * where the agent forgot it
   */
  async callLong<M extends LongMethodName>(
    host: string,
    method: M,
    params: Params<M>,
    options: LongCallOptions = {},
  ): Promise<Result<M>> {
    const id = options.id ?? newId();
    const end = await this.#ends.expect(id, host, method, options);
    try {
      const answer = await this.request(host, method, params, { id });
      if (!('accepted' in answer)) throw unexpected(host, method);
      options.onAccepted?.();
      end.accepted();
      return (await end.result) as Result<M>;
    } finally {
      end.forget();
    }
  }

  /**
   * Opens a stream of frames. @throws CmigError as `call`
   */
  async openStream<M extends StreamMethodName>(
    host: string,
    method: M,
    params: Omit<Params<M>, 'session'>,
    options: StreamOptions = {},
  ): Promise<RpcStream> {
    return openRpcStream(this, host, method, params, options);
  }

  /** Ends the client, not the connection; what is pending fails. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    const channels = [this.#channel, this.#lookUp];
    this.#drop(new CmigError('cancelled', 'the client was closed'));
    await this.#ends.close();
    await Promise.all(channels.map((channel) => channel?.then((open) => open.close()).catch(() => {})));
  }

  /** One request and its first answer, of whatever kind; faults are thrown. Used by `call`, `callLong` and streams. */
  async request(
    host: string,
    method: MethodName,
    params: object,
    options: CallOptions = {},
  ): Promise<Answer> {
    const { timeoutMs = this.requestTimeoutMs ?? defaultTimeoutMs, id = newId(), failFast = false } = options;
    if (!fits(methods[method].params, params)) await refuseParams(method, params);
    const content = encodeRequest({
      id,
      method,
      caller: this.#caller,
      params: params as Record<string, unknown>,
    });
    const deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : steadyMs() + timeoutMs;
    for (;;) {
      const leftMs = deadline - steadyMs();
      if (leftMs <= 0) throw silent(host, timeoutMs, this.connection);
      if (!this.connection.connected) {
        await this.connection.whenConnected(Number.isFinite(leftMs) ? leftMs : undefined);
        continue;
      }
      try {
        if (failFast === true) await this.#requireAgent(host);
        return await this.#attempt({ host, method, content, leftMs, timeoutMs, failFast });
      } catch (error) {
        if (!(error instanceof Interrupted) || !this.connection.reconnects || this.#closed) {
          throw error instanceof Interrupted ? error.reason : error;
        }
        await sleep(pauseMs);
      }
    }
  }

  async #attempt(request: {
    host: string;
    method: MethodName;
    content: Buffer;
    leftMs: number;
    timeoutMs: number;
    failFast: boolean | 'meanwhile';
  }): Promise<Answer> {
    const { host, method, content, leftMs, timeoutMs, failFast } = request;
    const channel = await this.#openChannel();
    const correlationId = String(++this.#count);
    let timer: NodeJS.Timeout | undefined;
    let doubt: NodeJS.Timeout | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#pending.set(correlationId, { host, method, resolve, reject });
      if (failFast === 'meanwhile')
        doubt = setTimeout(() => this.#lookFor(host).catch(reject), doubtMs + this.#pending.size);
      if (Number.isFinite(leftMs))
        timer = setTimeout(() => reject(silent(host, timeoutMs, this.connection)), leftMs);
    });
    try {
      channel.publish('', requestQueue(host), content, {
        mandatory: true,
        correlationId,
        replyTo: replyQueue,
        contentType: 'application/json',
        ...(Number.isFinite(leftMs) ? { expiration: String(Math.ceil(leftMs)) } : {}),
      });
    } catch (error) {
      this.#pending
        .get(correlationId)
        ?.reject(new Interrupted(connectionLost(this.connection.endpoint, error)));
    }
    try {
      const settled = await answer;
      if ('fault' in settled) throw fromFault(host === anyHost ? settled.fault : { host, ...settled.fault });
      return settled;
    } finally {
      clearTimeout(timer);
      clearTimeout(doubt);
      this.#pending.delete(correlationId);
    }
  }

  /** The same for several requests to one host at a time. */
  #lookFor(host: string): Promise<void> {
    const looking = this.#looking.get(host);
    if (looking) return looking;
    const looked = this.#requireAgent(host).finally(() => this.#looking.delete(host));
    this.#looking.set(host, looked);
    return looked;
  }

  /** Throws where nobody takes requests for `host`. */
  async #requireAgent(host: string): Promise<void> {
    // On a channel of its own, which goes where there is no such queue.
    this.#lookUp ??= this.connection.channel({ quiet: true });
    const channel = await this.#lookUp.catch((error) => {
      this.#lookUp = undefined;
      throw new Interrupted(connectionLost(this.connection.endpoint, error));
    });
    const found = await channel.checkQueue(requestQueue(host)).catch((error) => {
      this.#lookUp = undefined;
      if (/NOT_FOUND|404/.test(String(error))) throw noSuchHost(host);
      throw new Interrupted(connectionLost(this.connection.endpoint, error));
    });
    if (found.consumerCount === 0) throw notConnected(host);
  }

  #openChannel(): Promise<Channel> {
    if (this.#closed) throw new CmigError('cancelled', 'the client was closed');
    this.#channel ??= this.#makeChannel().catch((error) => {
      this.#channel = undefined;
      throw new Interrupted(connectionLost(this.connection.endpoint, error));
    });
    return this.#channel;
  }

  async #makeChannel(): Promise<Channel> {
    const channel = await this.connection.channel();
    channel.on('return', (message: Message) => this.#returned(message));
    channel.on('close', () => {
      if (this.connection.connected) this.#drop(connectionLost(this.connection.endpoint));
    });
    // Not awaited: the broker handles a channel's commands in order, so a request sent after it finds it done.
    channel.consume(replyQueue, (message) => void this.#answered(message), { noAck: true }).catch(() => {});
    return channel;
  }

  async #answered(message: ConsumeMessage | null): Promise<void> {
    const pending = message && this.#pending.get(String(message.properties.correlationId));
    if (!message || !pending) return; // too late
    if (!isFromHost(this.connection, message.properties, pending.host)) return; // somebody else's word
    try {
      pending.resolve(await decodeAnswer(message.content, pending.method, pending.host));
    } catch (error) {
      pending.reject(error as CmigError);
    }
  }

  #returned({ properties }: Message): void {
    const pending = this.#pending.get(String(properties.correlationId));
    pending?.reject(noSuchHost(pending.host));
  }

  /** The channel has gone, and with it the answers to what is pending. */
  #drop(reason: CmigError): void {
    this.#channel = undefined;
    this.#lookUp = undefined;
    for (const pending of [...this.#pending.values()]) pending.reject(new Interrupted(reason));
  }
}
