// Messages as a generator makes them: most are no requests, the others ask for what cannot be.
import fc from 'fast-check';
import { type MethodName, methods } from '../../src/contract/methods.ts';
import { type eventExchange, protocolVersion } from '../../src/contract/protocol.ts';
import { eventMessage } from './event-messages.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { fromSchema } from './from-schema.ts';
import { deepJson, hostileJson, hostileNumber, hostileString, objectOf } from './hostile-values.ts';

export interface FuzzMessage {
  /** What kind of thing it is, for the count and for who has to find out what happened. */
  kind: string;
  /** Where to; the agent's own queue if absent. */
  to?: { exchange: typeof eventExchange; routingKey: string } | 'any-agent';
  /** Made when it is sent, since some are large. */
  content: () => Buffer;
  /** Properties of the message. */
  options?: Record<string, unknown>;
  /** Where the answer is to go; to the sender if absent. */
  replyTo?: string | undefined;
  withoutReplyTo?: boolean;
  withoutCorrelationId?: boolean;
  expectation: Expectation;
}

export interface RequestText {
  protocolVersion: unknown;
  id: unknown;
  method: unknown;
  caller: unknown;
  params: unknown;
}

/** What starts programs is asked for less often. */
const slow = new Set<string>([
  'host.diagnose',
  'host.cordon',
  'image.upload.begin',
  'migration.preflight.source',
  'migration.preflight.destination',
  'migration.prepare',
]);
const methodNames = Object.keys(methods) as MethodName[];

const method = fc.oneof(
  ...methodNames.map((name) => ({ weight: slow.has(name) ? 1 : 10, arbitrary: fc.constant(name) })),
);
const id = fc.uuid();

export const requestOf = (name: MethodName): fc.Arbitrary<RequestText> =>
  fc.record({
    protocolVersion: fc.constant(protocolVersion),
    id,
    method: fc.constant(name),
    caller: hostileString.map((text) => [...text].slice(0, 200).join('')),
    params: fromSchema(methods[name].params),
  });

const request = method.chain(requestOf);
/** For those whose answer nobody gets: an upload that was begun could not be ended. */
const quickRequest = method.filter((name) => !slow.has(name)).chain(requestOf);

/** All headers together have 64 KiB at most. */
const header = hostileString.map((text) => text.slice(0, 1000));

const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** As the oracle says. */
const judged = (kind: string, content: Buffer): FuzzMessage => ({
  kind,
  content: () => content,
  expectation: expectationOf(content),
});

/** One place of a value replaced, removed or added to. */
const mutated = (value: unknown, [at, action, other, key]: [number, number, unknown, string]): unknown => {
  const copy: unknown = structuredClone(value);
  const places: [Record<string, unknown>, string][] = [];
  const walk = (each: unknown): void => {
    if (typeof each !== 'object' || each === null) return;
    for (const name of Object.keys(each)) {
      places.push([each as Record<string, unknown>, name]);
      walk((each as Record<string, unknown>)[name]);
    }
  };
  walk(copy);
  if (places.length === 0) return other;
  const [parent, name] = places[at % places.length]!;
  if (action === 0) parent[name] = other;
  else if (action === 1) delete parent[name];
  else if (Array.isArray(parent)) parent.push(other);
  else Object.assign(parent, { [key]: other });
  return copy;
};
const mutation = fc.tuple(fc.nat(), fc.nat(2), hostileJson, hostileString);

const kinds: [number, fc.Arbitrary<FuzzMessage>][] = [
  [20, request.map((each) => judged('hostile request', text(each)))],
  [
    20,
    fc
      .tuple(request, mutation)
      .map(([each, change]) =>
        judged('wrong params', text({ ...each, params: mutated(each.params, change) })),
      ),
  ],
  [
    10,
    fc
      .tuple(request, mutation)
      .map(([each, change]) => judged('wrong envelope', text(mutated(each, change)))),
  ],
  [
    8,
    fc
      .tuple(request, fc.oneof(hostileNumber, hostileJson))
      .map(([each, version]) => judged('other version', text({ ...each, protocolVersion: version }))),
  ],
  [
    8,
    fc
      .tuple(request, fc.oneof(hostileString, fc.constantFrom('agent', 'agent.describe ', 'AGENT.DESCRIBE')))
      .map(([each, name]) => judged('other method', text({ ...each, method: name }))),
  ],
  [
    8,
    fc.tuple(request, fc.nat()).map(([each, at]) => {
      const whole = text(each);
      return judged('truncated', whole.subarray(0, at % whole.length));
    }),
  ],
  [
    6,
    fc.tuple(request, fc.nat(), fc.nat(255)).map(([each, at, byte]) => {
      const changed = text(each);
      changed[at % changed.length] = byte;
      return judged('a byte changed', changed);
    }),
  ],
  [6, fc.uint8Array({ maxLength: 300 }).map((bytes) => judged('random bytes', Buffer.from(bytes)))],
  [6, hostileJson.map((value) => judged('other JSON', text(value)))],
  [
    4,
    fc
      .tuple(request, fc.constantFrom('text/plain', 'application/octet-stream', 'application/xml', ''))
      .map(([each, contentType]) => {
        const content = text(each);
        const isJson = contentType === '';
        const expectation: Expectation = isJson ? expectationOf(content) : { fault: 'invalid' };
        return { kind: 'other content type', content: () => content, options: { contentType }, expectation };
      }),
  ],
  [
    2,
    request.map((each) => ({
      kind: 'compressed, it says',
      content: () => text(each),
      options: { contentEncoding: 'gzip' },
      expectation: { fault: 'invalid' },
    })),
  ],
  [
    4,
    fc.tuple(quickRequest, fc.constantFrom('0', '1', '5')).map(([each, expiration]) => ({
      ...judged('late', text(each)),
      options: { expiration },
      expectation: 'perhaps',
    })),
  ],
  [
    4,
    quickRequest.map((each) => ({
      ...judged('no reply wanted', text(each)),
      withoutReplyTo: true,
      expectation: 'nothing',
    })),
  ],
  [
    3,
    fc
      .tuple(quickRequest, fc.constantFrom('cmig.agent.host-a', 'cmig.agents', 'amq.gen-x', '../x'))
      .map(([each, replyTo]) => ({
        ...judged('reply to another', text(each)),
        replyTo,
        expectation: 'nothing',
      })),
  ],
  [
    3,
    quickRequest.map((each) => ({ ...judged('no correlation id', text(each)), withoutCorrelationId: true })),
  ],
  [
    3,
    fc
      .tuple(request, fc.dictionary(fc.string({ maxLength: 9 }), header, { maxKeys: 3 }))
      .map(([each, headers]) => ({
        ...judged('strange properties', text(each)),
        options: { headers, type: 'x', appId: '\u0000', priority: 9, messageId: '../..', timestamp: 1 },
      })),
  ],
  [3, request.map((each): FuzzMessage => ({ ...judged('to any agent', text(each)), to: 'any-agent' }))],
  [
    1,
    fc
      .tuple(
        request,
        fc.constantFrom<keyof typeof deepJson>('arrays', 'objects'),
        fc.constantFrom(500, 10_000, 100_000),
      )
      .map(([each, shape, depth]) => {
        const whole = JSON.stringify({ ...each, params: '*' });
        return judged('nested deeply', Buffer.from(whole.replace('"*"', deepJson[shape](depth))));
      }),
  ],
  [
    2,
    fc.tuple(request, hostileJson).map(([each, value]) => {
      const params = objectOf([
        ['__proto__', value],
        ['constructor', { prototype: value }],
        ['extra', value],
      ]);
      return judged(
        'names of the prototype',
        text({ ...each, params: { ...params, ...(each.params as object) } }),
      );
    }),
  ],
  [12, eventMessage],
];

export const fuzzMessage: fc.Arbitrary<FuzzMessage> = fc.oneof(
  ...kinds.map(([weight, arbitrary]) => ({ weight, arbitrary })),
);
