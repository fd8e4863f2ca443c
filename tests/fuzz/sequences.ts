// Requests that belong together: repeated, in the wrong order, with another content under the same id.
import fc from 'fast-check';
import { MigrationFacts } from '../../src/contract/methods.ts';
import { protocolVersion } from '../../src/contract/protocol.ts';
import type { Expectation } from './expectation.ts';
import { fromSchema } from './from-schema.ts';
import { hostileJson, hostileString } from './hostile-values.ts';
import { type FuzzMessage, requestOf } from './messages.ts';
import { bystander } from './target.ts';

const message = (kind: string, request: object, expectation: Expectation = 'any'): FuzzMessage => {
  const content = Buffer.from(JSON.stringify({ protocolVersion, caller: 'fuzz', ...request }));
  return { kind, content: () => content, expectation };
};

/** Steps of one migration in any order, some of them several times. */
const migration: fc.Arbitrary<FuzzMessage[]> = fc
  .tuple(
    fc.stringMatching(/^m-[a-z0-9]{8,32}$/),
    fromSchema(MigrationFacts),
    fc.shuffledSubarray(
      [
        'prepare',
        'prepare',
        'presync',
        'freeze',
        'restore',
        'permit',
        'finish',
        'renew',
        'get',
        'restore',
        'abort',
      ],
      {
        minLength: 3,
      },
    ),
    fc.array(fc.uuid(), { minLength: 11, maxLength: 11 }),
    fc.boolean(),
  )
  .map(([id, facts, steps, ids, hasNoImages]) => {
    const common = { migration: id, strategy: 'stop-and-copy', leaseMs: 5000 };
    const ofStep: Record<string, object> = {
      // Without images the destination gets as far as it can.
      prepare: {
        ...common,
        from: 'peer-1',
        facts: { ...(facts as object), ...(hasNoImages ? { images: {} } : {}) },
      },
      presync: { ...common, application: 'stranger', to: 'peer-1' },
      abort: { migration: id, reason: 'fuzz' },
    };
    return steps.map((step, index) =>
      message('migration out of order', {
        id: ids[index],
        method: `migration.${step}`,
        params: ofStep[step] ?? { migration: id },
      }),
    );
  });

/** One request several times; then another one under its id. */
const repeated: fc.Arbitrary<FuzzMessage[]> = fc
  .constantFrom(
    'application.start',
    'application.delete',
    'migration.finish',
    'image.send',
    'session.close',
    'host.put',
  )
  .chain((method) => fc.tuple(requestOf(method as 'host.put'), fc.nat(4), hostileString))
  .map(([request, times, other]) => [
    ...Array.from({ length: times + 2 }, () => message('repeated', request)),
    message(
      'another request under the same id',
      { ...request, caller: `other ${[...other].slice(0, 100).join('')}` },
      { fault: 'conflict' },
    ),
  ]);

/** What only looks at the application that runs. */
const looking: fc.Arbitrary<FuzzMessage[]> = fc
  .tuple(
    fc.uuid(),
    fc.uuid(),
    fc.uuid(),
    fc.array(hostileString, { minLength: 1, maxLength: 3 }),
    hostileString,
    hostileJson,
  )
  .map(([session, id, second, command, since, wrong]) => {
    const name = `cmig.session.${session}`;
    return [
      message('exec', {
        id,
        method: 'application.exec',
        params: { name: bystander, command, stdin: true, session: name },
      }),
      message('logs', {
        id: second,
        method: 'application.logs',
        params: { name: bystander, since, session: name },
      }),
      message('input', { id: `i-${id}`, method: 'session.input', params: { session: name, data: since } }),
      message('input', { id: `e-${id}`, method: 'session.input', params: { session: name, end: true } }),
      message(
        'wrong input',
        { id: `w-${id}`, method: 'session.input', params: { session: name, data: { wrong } } },
        { fault: 'invalid' },
      ),
      message('close', { id: `c-${id}`, method: 'session.close', params: { session: name } }),
    ];
  });

/** Uploads that are no archive, begin in the middle, or have no beginning. */
const upload: fc.Arbitrary<FuzzMessage[]> = fc
  .tuple(requestOf('image.upload.begin'), requestOf('image.upload.chunk'), requestOf('image.upload.end'))
  .map(([begin, chunk, end]) =>
    [end, chunk, begin, chunk, end].map((request) => message('upload out of order', request)),
  );

export const requestSequences: fc.Arbitrary<FuzzMessage[]> = fc.oneof(migration, repeated, looking, upload);
