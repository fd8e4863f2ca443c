// Messages of megabytes: too large ones, and ones that a careless agent would send back or remember.
import fc from 'fast-check';
import { type MethodName, methods } from '../../src/contract/methods.ts';
import { protocolVersion } from '../../src/contract/protocol.ts';
import { expectationOf } from './expectation.ts';
import { deepJson } from './hostile-values.ts';
import type { FuzzMessage } from './messages.ts';

const MiB = 2 ** 20;
/** The limit and both sides of it. */
const sizes = [7 * MiB, 8 * MiB, 8 * MiB + 1, 9 * MiB];

const request = (method: string, params: unknown, id: string): string =>
  JSON.stringify({ protocolVersion, id, method, caller: 'fuzz', params });

/** Fields of free text, each filled to the brim. */
const places: [MethodName, (text: string) => unknown][] = [
  ['operation.get', (text) => ({ operation: text })],
  ['session.input', (text) => ({ session: text, data: text.slice(0, 10) })],
  ['session.close', (text) => ({ session: text })],
  ['image.upload.chunk', (text) => ({ upload: 'none', sequence: 0, data: text })],
  ['image.upload.end', (text) => ({ upload: text })],
  ['application.get', (text) => ({ name: text })],
  ['application.logs', (text) => ({ name: 'stranger', since: text, session: 'x' })],
  ['application.exec', (text) => ({ name: 'stranger', command: [text], session: text.slice(0, 10) })],
  ['migration.abort', (text) => ({ migration: 'm-00000000', reason: text })],
  ['agent.describe', (text) => ({ [text]: 1 })],
  ['host.put', (text) => ({ host: { name: text } })],
];

/** Made once for each size, since each takes its time. */
const filled = (unit: string, bytes: number): string => unit.repeat(bytes / unit.length);

const make: fc.Arbitrary<() => Buffer> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...places), fc.constantFrom(...sizes), fc.constantFrom('x', '../', ' '), fc.uuid())
    .map(
      ([[method, params], size, unit, id]) =>
        () =>
          Buffer.from(request(method, params(filled(unit, size - 300)), id)),
    ),
  fc.constantFrom(...sizes).map((size) => () => Buffer.alloc(size, '[')),
  fc.constantFrom(...sizes).map((size) => () => Buffer.alloc(size)),
  fc
    .tuple(
      fc.constantFrom(...Object.keys(methods)),
      fc.constantFrom<keyof typeof deepJson>('arrays', 'objects'),
    )
    .map(
      ([method, shape]) =>
        () =>
          Buffer.from(request(method, '*', 'deep-nesting').replace('"*"', deepJson[shape](MiB))),
    ),
  fc.constant(() => Buffer.from(JSON.stringify({ protocolVersion, id: 'many-keys', ...manyKeys() }))),
);

const manyKeys = (): Record<string, number> =>
  Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`key-${index}`, index]));

export const largeMessages: fc.Arbitrary<FuzzMessage> = make.map((content) => ({
  kind: 'large',
  content,
  expectation: expectationOf(content()),
}));
