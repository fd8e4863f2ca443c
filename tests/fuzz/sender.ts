// Sends messages to the agent of a lab, and holds what comes back against what must come.
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { BrokerConnection } from '../../src/broker/connection.ts';
import { fits } from '../../src/broker/schema-check.ts';
import { agentsQueue } from '../../src/broker/topology.ts';
import { FaultSchema } from '../../src/contract/fault.ts';
import { agentQueue, protocolVersion } from '../../src/contract/protocol.ts';
import type { FuzzMessage } from './messages.ts';

export interface Answer {
  id?: unknown;
  protocolVersion?: unknown;
  result?: unknown;
  accepted?: unknown;
  fault?: { code?: unknown; message?: unknown };
}

interface Sent {
  message: FuzzMessage;
  at: number;
  onAnswer: ((answer: Answer) => void) | undefined;
}

const atOnce = 128;
/** Beyond the limits of the agent's own programs. */
const patienceMs = 60_000;
const replyQueue = 'amq.rabbitmq.reply-to';
/** An answer tells what is wrong, and does not send back what came. */
const longestFault = 128 * 1024;
/** How the engine tells of our mistakes, not of the sender's. */
const ourMistake =
  /Cannot (read|set|destructure)|is not (a function|iterable|a constructor)|Maximum call stack|Invalid (string|array) length|ERR_[A-Z_]+|EINVAL|ENAMETOOLONG/;

export class Sender {
  readonly counts = new Map<string, number>();
  /** What did not go as it must, with the messages to blame. */
  readonly problems: string[] = [];
  answers = 0;
  faults = 0;
  readonly #channel: Channel;
  readonly #host: string;
  readonly #pending = new Map<string, Sent>();
  #uncorrelated = 0;
  #count = 0;

  private constructor(channel: Channel, host: string) {
    this.#channel = channel;
    this.#host = host;
  }

  static async open(connection: BrokerConnection, host: string): Promise<Sender> {
    const sender = new Sender(await connection.channel(), host);
    await sender.#channel.consume(replyQueue, (message) => message && sender.#receive(message), {
      noAck: true,
    });
    return sender;
  }

  /** Settles when the next one may be sent. */
  async send(message: FuzzMessage, onAnswer?: (answer: Answer) => void): Promise<void> {
    this.counts.set(message.kind, (this.counts.get(message.kind) ?? 0) + 1);
    const correlationId = message.withoutCorrelationId ? undefined : String(++this.#count);
    const replyTo = message.withoutReplyTo ? undefined : (message.replyTo ?? replyQueue);
    const { expectation } = message;
    if (expectation !== 'nothing') {
      if (correlationId === undefined) this.#uncorrelated += 1;
      else this.#pending.set(correlationId, { message, at: performance.now(), onAnswer });
    }
    const { exchange, routingKey } = this.#target(message);
    this.#channel.publish(exchange, routingKey, message.content(), {
      contentType: 'application/json',
      ...message.options,
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(replyTo === undefined ? {} : { replyTo }),
    });
    // The answers, and the heartbeats of the connection, want their turn too.
    await setImmediate();
    while (this.#pending.size >= atOnce) {
      this.#giveUpLate();
      await sleep(1);
    }
  }

  /** Settles when every answer has come that must, or has been missed. */
  async drain(): Promise<void> {
    const sent = performance.now();
    const isAwaited = () =>
      [...this.#pending.values()].some(({ message }) => message.expectation !== 'perhaps');
    while ((isAwaited() || this.#uncorrelated > 0) && performance.now() - sent < patienceMs) await sleep(5);
    this.#giveUpLate(0);
    if (this.#uncorrelated !== 0)
      this.problems.push(`${this.#uncorrelated} more answers without a correlation id were expected`);
    this.#uncorrelated = 0;
  }

  async close(): Promise<void> {
    await this.#channel.close().catch(() => {});
  }

  #target({ to }: FuzzMessage): { exchange: string; routingKey: string } {
    if (to === undefined) return { exchange: '', routingKey: agentQueue(this.#host) };
    return to === 'any-agent' ? { exchange: '', routingKey: agentsQueue } : to;
  }

  #giveUpLate(afterMs = patienceMs): void {
    for (const [correlationId, { message, at }] of this.#pending) {
      // Those that may never come must not stop the others.
      const patience = message.expectation === 'perhaps' ? Math.min(afterMs, 1000) : afterMs;
      if (performance.now() - at < patience) continue;
      this.#pending.delete(correlationId);
      if (message.expectation !== 'perhaps') this.#blame(message, 'no answer');
    }
  }

  #receive({ content, properties }: ConsumeMessage): void {
    this.answers += 1;
    const { correlationId } = properties;
    const answer = JSON.parse(content.toString()) as Answer;
    if (answer.fault) this.faults += 1;
    if (correlationId === undefined) {
      this.#uncorrelated -= 1;
      return;
    }
    const sent = this.#pending.get(correlationId);
    // A late one may have been given up.
    if (!sent) return;
    this.#pending.delete(correlationId);
    const wrong = this.#judge(sent.message, answer, content.length);
    if (wrong) this.#blame(sent.message, wrong, answer);
    sent.onAnswer?.(answer);
  }

  /** What is wrong with the answer, if anything. */
  #judge({ expectation }: FuzzMessage, answer: Answer, length: number): string | undefined {
    if (answer.protocolVersion !== protocolVersion) return 'an answer of no version';
    if (answer.fault !== undefined) {
      if (!fits(FaultSchema, answer.fault)) return 'a malformed fault';
      if (length > longestFault) return `a fault of ${length} bytes`;
      if (ourMistake.test(String(answer.fault.message))) return 'a mistake of ours';
    }
    if (typeof expectation === 'object' && answer.fault?.code !== expectation.fault)
      return `instead of the fault "${expectation.fault}"`;
    return undefined;
  }

  #blame(message: FuzzMessage, what: string, answer?: Answer): void {
    if (this.problems.length >= 20) return;
    const begin = (value: Buffer | string): string => JSON.stringify(value.toString().slice(0, 1500));
    const came = answer === undefined ? '' : ` ${JSON.stringify(answer).slice(0, 800)}`;
    this.problems.push(`${message.kind}: ${what}${came} for ${begin(message.content())}`);
  }
}
