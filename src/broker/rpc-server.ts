// Answers requests: each once, all at the same time, and every message that is no request with a fault.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Identity } from '../contract/identity.ts';
import type { MethodName, Params, Result, StreamMethodName } from '../contract/methods.ts';
import { methods } from '../contract/methods.ts';
import { agentQueue } from '../contract/protocol.ts';
import { CmigError, toFault } from '../core/errors.ts';
import { AnswerMemory, type Remembered } from './answer-memory.ts';
import {
  type Answer,
  type CheckedRequest,
  checkResult,
  decode,
  decodeRequest,
  encodeAnswer,
} from './codec.ts';
import type { BrokerConnection } from './connection.ts';
import { EventPublisher } from './event-publisher.ts';
import type { Handlers, RequestContext } from './rpc-handlers.ts';
import { ServerSessions } from './server-sessions.ts';
import { agentsQueue } from './topology.ts';
import { authorize } from './vouched.ts';

export type { Handlers, RequestContext } from './rpc-handlers.ts';
export type { ServerStream } from './server-session.ts';

export interface ServeOptions {
  host: string;
  handlers: Handlers;
  /** Announces the ends of long operations; one of its own if absent. */
  events?: EventPublisher;
  /** Called with what went wrong though no request is to blame. */
  onProblem?: (error: unknown) => void;
}

export interface RpcServer {
  /** Takes no more requests, and answers those under way if it can be done in 2 s. Does not throw. */
  close(): Promise<void>;
}

interface IdentifiedRequest extends CheckedRequest {
  identity: Identity | undefined;
}

const answersRemembered = 1000;
/** Requests under way at one time; the next wait in the broker. */
const requestsAtOnce = 256;
const takeoverMs = 3000;
const lastAnswersMs = 2000;
/** They change nothing: they may be done twice, and their answers need no memory. */
const onlyReads = (method: MethodName): boolean =>
  /(\.(describe|list|get)$)|^migration\.preflight\./.test(method);

/**
 * Takes the requests for `host`, also after every reconnection.
 * @throws CmigError `conflict` where another agent has the name; `unreachable`
 */
export async function serveRpc(connection: BrokerConnection, options: ServeOptions): Promise<RpcServer> {
  const server = new Server(connection, options);
  await server.start();
  return server;
}

class Server implements RpcServer {
  readonly #connection: BrokerConnection;
  readonly #options: ServeOptions;
  readonly #events: EventPublisher;
  readonly #short = new AnswerMemory(answersRemembered);
  readonly #long = new AnswerMemory(answersRemembered);
  readonly #sessions: ServerSessions;
  #channel: Channel | undefined;
  #consumers: string[] = [];
  #underWay = 0;
  #stop: (() => void) | undefined;

  constructor(connection: BrokerConnection, options: ServeOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#events = options.events ?? new EventPublisher(connection, options.host, options.onProblem);
    this.#sessions = new ServerSessions(connection, options.host, (error) => options.onProblem?.(error));
  }

  async start(): Promise<void> {
    // A predecessor that was killed may hold the name until the broker has noticed.
    const end = performance.now() + takeoverMs;
    for (;;) {
      try {
        this.#stop = await this.#connection.onConnected(() => this.#consume());
        return;
      } catch (error) {
        if (!(error instanceof CmigError && error.code === 'conflict') || performance.now() > end)
          throw error;
        await sleep(200);
      }
    }
  }

  async close(): Promise<void> {
    this.#stop?.();
    this.#sessions.closeAll();
    const channel = this.#channel;
    if (!channel) return;
    await Promise.all(this.#consumers.map((tag) => channel.cancel(tag))).catch(() => {});
    const end = performance.now() + lastAnswersMs;
    while (this.#underWay > 0 && performance.now() < end) await sleep(5);
    this.#channel = undefined;
    await channel.close().catch(() => {});
  }

  async #consume(): Promise<void> {
    const { host } = this.#options;
    const channel = await this.#connection.channel();
    const receive = (message: ConsumeMessage | null): void => {
      if (message) void this.#receive(channel, message).catch((error) => this.#options.onProblem?.(error));
      // The queue was deleted under us: begin again with a new one.
      else void channel.close().catch(() => {});
    };
    await channel.prefetch(requestsAtOnce);
    await channel.assertQueue(agentQueue(host), { durable: true });
    try {
      this.#consumers = [(await channel.consume(agentQueue(host), receive, { exclusive: true })).consumerTag];
    } catch (cause) {
      if (!/ACCESS_REFUSED/.test(String(cause))) throw cause;
      throw new CmigError('conflict', `another agent is connected to the broker under the name "${host}"`, {
        host,
        hint: 'names of hosts are unique: change `name` in the configuration of one of them',
        cause,
      });
    }
    await channel.assertQueue(agentsQueue, { durable: true, autoDelete: true });
    this.#consumers.push((await channel.consume(agentsQueue, receive)).consumerTag);
    this.#channel = channel;
    channel.on('close', () => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      // By then it is known whether the connection has gone too; its return begins anew.
      setImmediate(() => void this.#again());
    });
  }

  /** The channel alone has gone. */
  async #again(): Promise<void> {
    while (this.#connection.connected && !this.#channel) {
      await this.#consume().catch((error) => this.#options.onProblem?.(error));
      if (!this.#channel) await sleep(500);
    }
  }

  async #receive(channel: Channel, message: ConsumeMessage): Promise<void> {
    const reply = (id: string, answer: Answer) => this.#reply(channel, message, id, answer);
    this.#underWay++;
    try {
      refuseOtherContent(message.properties);
      const checked = await decodeRequest(message.content);
      const identity = authorize(this.#connection, message.properties, checked);
      const request = { ...checked, identity };
      reply(request.id, await this.#answer(request, message));
    } catch (error) {
      reply(idOf(message.content), { fault: toFault(error, this.#options.host) });
    } finally {
      this.#underWay--;
      acknowledge(channel, message);
    }
  }

  #answer(request: IdentifiedRequest, message: ConsumeMessage): Promise<Answer> | Answer {
    const { id, method } = request;
    const { content, fields } = message;
    const isLong = 'long' in methods[method];
    if (onlyReads(method)) return this.#run(request);
    const memory = isLong ? this.#long : this.#short;
    const known = memory.find(id, content);
    if (known && isLong) this.#tellAgain(id, known);
    if (known) return isLong ? { accepted: true } : known.answer;
    if (fields.redelivered) {
      // It was delivered before, and whoever got it has not lived to answer. It may have been the reason.
      throw new CmigError(
        'failed',
        `the agent of ${this.#options.host} was restarted while it handled ${method}`,
        {
          hint: 'whether it was done is not known: look at how things are now, then try again',
        },
      );
    }
    if ('stream' in methods[method]) return this.#openSession(request);
    const answer = this.#run(request);
    const entry = memory.add(id, method, content, answer);
    if (!isLong) return answer;
    void answer.then(() => this.#tellAgain(id, entry));
    return { accepted: true };
  }

  /** Runs the handler; never rejects. */
  async #run({ id, method, caller, identity, params }: IdentifiedRequest): Promise<Answer> {
    const { host } = this.#options;
    try {
      const handler = (this.#ownHandlers[method] ?? this.#options.handlers[method as keyof Handlers]) as (
        params: unknown,
        context: RequestContext,
      ) => Promise<unknown>;
      if (!handler) throw new CmigError('unsupported', `${method} is not served here`);
      const result = (await handler(params, { id, caller, identity, host })) ?? {};
      await checkResult(method, result, host);
      return { result };
    } catch (error) {
      return { fault: toFault(error, host) };
    }
  }

  /** Announces the end of a long operation, if it has ended. */
  #tellAgain(operation: string, { method, settled }: Remembered): void {
    if (settled) this.#events.publish('operation.ended', { operation, method, ...settled });
  }

  readonly #ownHandlers: {
    [M in MethodName]?: (params: never, context: RequestContext) => Promise<unknown>;
  } = {
    'operation.get': async ({ operation }: Params<'operation.get'>): Promise<Result<'operation.get'>> => {
      const known = this.#long.get(operation);
      if (!known) return { state: 'unknown' };
      if (!known.settled) return { state: 'running' };
      return 'fault' in known.settled
        ? { state: 'failed', fault: known.settled.fault }
        : { state: 'done', ...known.settled };
    },
    'session.input': (params: Params<'session.input'>, { identity }) =>
      this.#sessions.input(params, identity),
    'session.close': async ({ session }: Params<'session.close'>, { identity }) =>
      this.#sessions.close(session, identity),
  };

  async #openSession({ id, method, caller, identity, params }: IdentifiedRequest): Promise<Answer> {
    const { host, handlers } = this.#options;
    const handler = handlers[method as StreamMethodName];
    if (!handler) throw new CmigError('unsupported', `${method} is not served here`);
    const { session } = params as { session: string };
    await this.#sessions.open(session, identity, (stream) =>
      handler(params as never, { id, caller, identity, host }, stream),
    );
    return { accepted: true };
  }

  #reply(channel: Channel, { properties }: ConsumeMessage, id: string, answer: Answer): void {
    const { replyTo, correlationId } = properties;
    // Nothing but a requester's own reply queue: a forged one would have agents send to each other.
    if (typeof replyTo !== 'string' || !replyTo.startsWith('amq.rabbitmq.reply-to.')) return;
    let content: Buffer;
    try {
      content = encodeAnswer(id, answer);
    } catch (error) {
      content = encodeAnswer(id, { fault: toFault(error, this.#options.host) });
    }
    const options = {
      contentType: 'application/json',
      ...(typeof correlationId === 'string' ? { correlationId } : {}),
    };
    try {
      // The channel of the request: `#channel` is set only once both queues are consumed, which is later.
      channel.publish('', replyTo, content, options);
    } catch {
      // The channel on which the request came has gone; the requester may still be there.
      try {
        this.#channel?.publish('', replyTo, content, options);
      } catch (error) {
        this.#options.onProblem?.(error);
      }
    }
  }
}

/** @throws CmigError `invalid` where a message says of itself that it is something else than JSON */
function refuseOtherContent({ contentType, contentEncoding }: ConsumeMessage['properties']): void {
  if (contentType && contentType !== 'application/json')
    throw new CmigError('invalid', `a message of type ${contentType} came; requests are application/json`);
  if (contentEncoding && contentEncoding !== 'utf-8')
    throw new CmigError(
      'invalid',
      `a message in the encoding ${contentEncoding} came; requests are in utf-8`,
    );
}

function acknowledge(channel: Channel, message: ConsumeMessage): void {
  try {
    channel.ack(message);
  } catch {
    // The channel has gone, and the broker will deliver the message again.
  }
}

/** The id of a message that is no good request, if it has one. */
function idOf(content: Buffer): string {
  try {
    const { id } = decode(content) as { id?: unknown };
    return typeof id === 'string' ? id.slice(0, 64) : '';
  } catch {
    return '';
  }
}
