// Attacks one agent with generated messages, and tells what it found wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { RpcClient } from '../../src/broker/rpc-client.ts';
import { waitFor } from '../../src/core/retry.ts';
import { largeMessages } from './large-messages.ts';
import { type FuzzMessage, fuzzMessage } from './messages.ts';
import { type Answer, Sender } from './sender.ts';
import { requestSequences } from './sequences.ts';
import type { FuzzRun } from './settings.ts';
import { bystander, host, type Target } from './target.ts';

const batch = 200;
/** Large ones and sequences cost much more than others. */
const messagesForOneSequence = 200;
const messagesForOneLarge = 2500;

export interface AttackResult {
  problems: string[];
  counts: Record<string, number>;
  answers: number;
  faults: number;
  residentMb: { before: number; after: number };
  openFiles: { before: number; after: number };
  left: { more: string[]; fewer: string[] };
}

export async function attack(target: Target, { seed, runs }: FuzzRun): Promise<AttackResult> {
  const connection = await target.connect();
  const sender = await Sender.open(connection, host);
  const rpc = new RpcClient(connection, { caller: 'fuzz' });
  const before = {
    state: await target.state(),
    residentMb: await target.residentMb(),
    openFiles: await target.openFiles(),
    status: await statusOf(bystander, rpc),
    own: (await rpc.call(host, 'agent.describe', {})).spec,
  };
  const begun = new Begun();
  const repeated = new Repeated();
  let sent = 0;
  const send = async (message: FuzzMessage): Promise<void> => {
    sent += 1;
    const note = begun.note(message);
    await sender.send(message, (answer) => {
      note?.(answer);
      repeated.note(message, answer);
    });
  };
  // A few at a time: while they are made, nothing else is done, and the broker would take us for dead.
  for (let index = 0; index < Math.max(2, runs / messagesForOneLarge); index += 1)
    for (const message of sampled(largeMessages, 1, seed + index)) await send(message);
  for (let index = 0; index < Math.max(3, runs / messagesForOneSequence); index += 1)
    for (const sequence of sampled(requestSequences, 1, seed + index))
      for (const message of sequence) await send(message);
  for (let index = 0; sent < runs && sender.problems.length === 0; index += 1)
    for (const message of sampled(fuzzMessage, Math.min(batch, runs - sent), seed + index))
      await send(message);
  await sender.drain();

  const problems = [...sender.problems, ...repeated.problems];
  const expect = (fine: boolean, what: string): void => {
    if (!fine) problems.push(what);
  };
  await begun.end(rpc);
  expect(await target.agentLives(), 'the agent is not the process that it was');
  // Among so many messages one that cordons the host may be in order, and is done.
  await rpc.call(host, 'host.cordon', { unschedulable: false });
  const { spec } = await rpc.call(host, 'agent.describe', {});
  expect(
    JSON.stringify(spec) === JSON.stringify(before.own),
    `the host describes itself as ${JSON.stringify(spec)}`,
  );
  const status = await statusOf(bystander, rpc);
  expect(
    JSON.stringify(status) === JSON.stringify(before.status),
    `${bystander} was disturbed: ${JSON.stringify([before.status, status])}`,
  );
  const journals = await target.journals();
  expect(journals <= 101, `${journals} journals`);
  for (const line of await target.unhandled()) problems.push(`in the agent's log: ${line.slice(0, 1000)}`);
  const left = await leftOver(target, before.state);
  const result = {
    problems,
    counts: Object.fromEntries(sender.counts),
    answers: sender.answers,
    faults: sender.faults,
    residentMb: { before: before.residentMb, after: await target.residentMb() },
    openFiles: { before: before.openFiles, after: await target.openFiles() },
    left,
  };
  await rpc.close();
  await sender.close();
  await connection.close();
  return result;
}

const statusOf = (name: string, rpc: RpcClient): Promise<unknown> =>
  rpc.call(host, 'application.get', { name }).then(
    (application) => application.status,
    (error) => String(error),
  );

const sampled = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, seed: number): T[] =>
  fc.sample(arbitrary, { numRuns, seed });

/** What is there and was not, and the other way round, once nothing changes any more. */
async function leftOver(target: Target, before: readonly string[]): Promise<AttackResult['left']> {
  const difference = async () => {
    const after = await target.state();
    return { more: without(after, before), fewer: without(before, after) };
  };
  const end = performance.now() + 60_000;
  for (;;) {
    const found = await difference();
    if ((found.more.length === 0 && found.fewer.length === 0) || performance.now() > end) return found;
    await sleep(500);
  }
}

/** Of two sorted lists with repetitions. */
function without(from: readonly string[], what: readonly string[]): string[] {
  const rest = [...what];
  return from.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/** Whatever comes twice is done once: both have the same answer. */
class Repeated {
  readonly problems: string[] = [];
  readonly #answers = new Map<unknown, string>();

  note({ kind }: FuzzMessage, answer: Answer): void {
    if (kind !== 'repeated') return;
    const text = JSON.stringify(answer);
    const before = this.#answers.get(answer.id) ?? text;
    this.#answers.set(answer.id, before);
    if (text !== before) this.problems.push(`repeated: first ${before}, then ${text}`);
  }
}

/** What requests have begun that an agent rightly keeps until somebody ends it. */
class Begun {
  readonly #migrations = new Set<string>();
  readonly #uploads = new Set<string>();
  readonly #operations = new Set<string>();

  note({
    content,
    expectation,
  }: FuzzMessage): ((answer: { result?: unknown; accepted?: unknown }) => void) | undefined {
    if (expectation !== 'any') return undefined;
    const { id, method, params } = JSON.parse(content().toString()) as {
      id: string;
      method: string;
      params: { migration?: string };
    };
    if (method === 'migration.prepare') this.#migrations.add(params.migration!);
    return ({ result, accepted }) => {
      if (method === 'image.upload.begin' && result) this.#uploads.add((result as { upload: string }).upload);
      if (accepted) this.#operations.add(id);
    };
  }

  async end(rpc: RpcClient): Promise<void> {
    for (const upload of this.#uploads) await rpc.call(host, 'image.upload.end', { upload }).catch(() => {});
    for (const migration of this.#migrations)
      await rpc
        .callLong(host, 'migration.abort', { migration, reason: 'the end of the test' })
        .catch(() => {});
    // Of those long ago the agent knows no more.
    for (const operation of [...this.#operations].slice(-500))
      await waitFor(async () => (await rpc.call(host, 'operation.get', { operation })).state !== 'running', {
        timeoutMs: 60_000,
        intervalMs: 100,
        what: `the end of the operation ${operation}`,
      });
  }
}
