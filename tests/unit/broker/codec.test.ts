// Whatever comes in a message, it is a request, an answer or an error that can be answered with.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeAnswer,
  decodeRequest,
  encode,
  encodeAnswer,
  encodeRequest,
  newId,
} from '../../../src/broker/codec.ts';
import { maxMessageBytes, protocolVersion } from '../../../src/contract/protocol.ts';
import { CmigError } from '../../../src/core/errors.ts';

const codes = ['invalid', 'incompatible', 'unsupported'];

it('carries a request there and an answer back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 256, unit: 'grapheme' }),
      fc.jsonValue(),
      async (caller, value) => {
        fc.pre(caller.length <= 256);
        const request = { id: newId(), method: 'operation.get', caller, params: { operation: 'é\u{1f600}' } };
        expect(await decodeRequest(encodeRequest(request))).toEqual(request);
        const result = { state: 'done', result: value } as const;
        const answer = encodeAnswer(request.id, { result });
        expect(await decodeAnswer(answer, 'operation.get', 'host-a')).toEqual({
          result: JSON.parse(JSON.stringify(result)),
        });
      },
    ),
    { numRuns: 50 },
  );
});

it('answers garbage with an error of the few codes that stand for it', async () => {
  const nearly = fc.record(
    {
      protocolVersion: fc.oneof(fc.constant(protocolVersion), fc.anything()),
      id: fc.oneof(fc.uuid(), fc.anything()),
      method: fc.oneof(
        fc.constantFrom('agent.describe', 'toString', '__proto__', 'application.get'),
        fc.anything(),
      ),
      caller: fc.oneof(fc.string(), fc.anything()),
      params: fc.oneof(fc.object(), fc.constant({ name: 'shop' })),
    },
    { requiredKeys: [] },
  );
  const text = (value: unknown): Buffer =>
    Buffer.from(
      JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? 'undefined',
    );
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((json) => Buffer.from(json)),
    nearly.map(text),
  );
  await fc.assert(
    fc.asyncProperty(garbage, async (content) => {
      const outcome = await decodeRequest(content).catch((error) => error);
      if (outcome instanceof CmigError) expect(codes).toContain(outcome.code);
      else expect(outcome).toMatchObject({ id: expect.any(String), method: expect.any(String) });
      const answer = await decodeAnswer(content, 'agent.describe', 'host-a').catch((error) => error);
      if (!(answer instanceof CmigError)) expect(Object.keys(answer)).toHaveLength(1);
    }),
    { numRuns: 500 },
  );
});

it('tells an answer of another version from one that it can read', async () => {
  const content = Buffer.from(JSON.stringify({ protocolVersion: protocolVersion + 1, id: 'x', result: {} }));
  await expect(decodeAnswer(content, 'agent.describe', 'host-b')).rejects.toMatchObject({
    code: 'incompatible',
    host: 'host-b',
  });
});

it('lets nothing out that the other end would refuse for its length', () => {
  const room = maxMessageBytes - '"'.length * 2;
  expect(encode('x'.repeat(room), 'it')).toHaveLength(maxMessageBytes);
  expect(() => encode('x'.repeat(room + 1), 'it')).toThrow('it is 8.0 MB long');
});
