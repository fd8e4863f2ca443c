// The checker gives the verdict of ajv on every schema of the contract.
import { expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { fits } from '../../../src/broker/schema-check.ts';
import { events } from '../../../src/contract/events.ts';
import { FaultSchema } from '../../../src/contract/fault.ts';
import { Request } from '../../../src/contract/message.ts';
import { Frame, methods } from '../../../src/contract/methods.ts';

type Schema = Record<string, unknown>;
const anything = fc.oneof(fc.jsonValue(), fc.constantFrom('host-a', '', -1, 0, 1, 70_000, 1.5, {}, []));

/** Values that fit, or nearly: now and then something else stands where the schema wants one thing. */
function valueFor(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anything });
}

function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...(schema.enum as unknown[]));
  if (schema.anyOf) return fc.oneof(...(schema.anyOf as Schema[]).map(valueFor));
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer': {
      const [min, max] = [Number(schema.minimum ?? -5), Number(schema.maximum ?? 70_000)];
      return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, min - 1, max, max + 1));
    }
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'array':
      return fc.array(valueFor(schema.items as Schema), { maxLength: 3 });
    case 'string':
      if (String(schema.pattern).includes('(?')) {
        return fc.constantFrom('/data/x', '/', '/a/../b', '10.77.0.10', '10.77.0.256', '10.77.0.1.');
      }
      return typeof schema.pattern === 'string'
        ? fc.oneof(fc.stringMatching(new RegExp(schema.pattern, 'u')), fc.string({ maxLength: 4 }))
        : fc.string({ maxLength: 80, unit: 'binary' });
    case 'object':
      return object(schema);
    default:
      return fc.jsonValue();
  }
}

function object({ properties = {}, required = [], patternProperties = {} }: Schema): fc.Arbitrary<unknown> {
  const known = Object.entries(properties as Record<string, Schema>);
  const [pattern] = Object.entries(patternProperties as Record<string, Schema>);
  const record = fc.record(Object.fromEntries(known.map(([name, schema]) => [name, valueFor(schema)])), {
    requiredKeys: required as string[],
  });
  const others = fc.dictionary(
    pattern ? fc.stringMatching(new RegExp(pattern[0], 'u')) : fc.constantFrom('extra', 'name'),
    pattern ? valueFor(pattern[1]) : anything,
    { maxKeys: pattern ? 3 : 1 },
  );
  const plain = pattern
    ? fc.tuple(record, others)
    : fc.tuple(record, fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, others));
  return plain.map(([some, more]) => ({ ...more, ...some }));
}

const schemas: [string, object][] = [
  ['request', Request],
  ['fault', FaultSchema],
  ['frame', Frame],
  ...Object.entries(methods).flatMap(([name, { params, result }]): [string, object][] => [
    [`${name} params`, params],
    [`${name} result`, result],
  ]),
  ...Object.entries(events).map(([name, { data }]): [string, object] => [name, data]),
];
const distinct = new Map(schemas.map(([name, schema]) => [schema, name]));

it('agrees with ajv', () => {
  const ajv = new Ajv({
    strict: false,
    validateSchema: false,
    ownProperties: true,
    code: { optimize: false },
  });
  const verdicts = { true: 0, false: 0 };
  for (const [schema, name] of distinct) {
    const reference = ajv.compile(schema);
    const property = fc.property(valueFor(schema as Schema), (value) => {
      const verdict = reference(value);
      verdicts[`${verdict}`]++;
      expect({ name, fits: fits(schema, value) }).toEqual({ name, fits: verdict });
    });
    fc.assert(property, { numRuns: 40 });
  }
  // A generator that makes but one kind of value would show nothing.
  const share = verdicts.true / (verdicts.true + verdicts.false);
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.8);
}, 120_000);

it('refuses to guess at a keyword that it does not know', () => {
  expect(() => fits({ type: 'string', format: 'ipv4' }, 'x')).toThrow('format');
});
