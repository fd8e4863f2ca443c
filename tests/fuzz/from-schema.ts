// Values that fit a schema of the contract and are as hostile as it lets them be.
import fc from 'fast-check';
import { hostileJson, hostileNumber, hostileString, objectOf } from './hostile-values.ts';

interface Schema {
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: readonly string[];
  items?: Schema;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
}

/** Few names, so that requests meet each other, and none that a generated request could harm by being understood. */
const names = ['stranger', 'wanderer', 'peer-1', 'peer-2', 'peer-3', 'host-a', '0', 'x'.repeat(63), 'a--b'];

const texts: Record<string, fc.Arbitrary<string>> = {
  '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$': fc.constantFrom(...names),
  // Patterns that look ahead are beyond the generator.
  '^/(?!.*//)(?!.*(^|/)\\.{1,2}(/|$)).*$': fc.constantFrom(
    '/',
    '/data',
    '/a b/é',
    `/${'x'.repeat(5000)}`,
    '/$(id)',
  ),
  '^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\\.(?!$)|$)){4}$': fc.constantFrom(
    '0.0.0.0',
    '255.255.255.255',
    '10.1.2.3',
  ),
};

const made = new Map<object, fc.Arbitrary<unknown>>();

export function fromSchema(schema: object): fc.Arbitrary<unknown> {
  const known = made.get(schema);
  if (known) return known;
  const arbitrary = make(schema as Schema);
  made.set(schema, arbitrary);
  return arbitrary;
}

function make(schema: Schema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fromSchema));
  const { type } = schema;
  if (typeof type === 'object') return fc.oneof(...type.map((each) => make({ ...schema, type: each })));
  switch (type) {
    case 'string':
      return text(schema);
    case 'integer':
      return integer(schema);
    case 'number':
      return hostileNumber;
    case 'boolean':
      return fc.boolean();
    case 'array': {
      const minLength = schema.minItems ?? 0;
      return fc.array(fromSchema(schema.items ?? {}), { minLength, maxLength: minLength + 2 });
    }
    case 'object':
      return object(schema);
    default:
      return hostileJson;
  }
}

function text({
  pattern,
  minLength = 0,
  maxLength = Number.POSITIVE_INFINITY,
}: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return texts[pattern] ?? fc.stringMatching(new RegExp(pattern));
  return hostileString.filter((each) => [...each].length >= minLength && [...each].length <= maxLength);
}

function integer({ minimum = -Number.MAX_VALUE, maximum = Number.MAX_VALUE }: Schema): fc.Arbitrary<number> {
  const edges = [minimum, maximum].filter((each) => Number.isSafeInteger(each));
  const any = edges.length > 0 ? fc.oneof(fc.constantFrom(...edges), hostileNumber) : hostileNumber;
  const fitting = any.filter((each) => Number.isInteger(each) && each >= minimum && each <= maximum);
  if (edges.length < 2) return fitting;
  return fc.oneof(fc.constantFrom(...edges), fc.integer({ min: minimum, max: maximum }));
}

function object(schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  const { properties = {}, patternProperties = {}, required = [], additionalProperties } = schema;
  const known = Object.entries(properties).map(([name, child]) => {
    const value = fromSchema(child).map((each) => [[name, each] as const]);
    return required.includes(name) ? value : fc.oneof(value, fc.constant([]));
  });
  const others = Object.entries(patternProperties).map(([pattern, child]) =>
    fc.array(fc.tuple(text({ pattern }), fromSchema(child)), { maxLength: 2 }),
  );
  if (additionalProperties !== false && Object.keys(patternProperties).every((pattern) => pattern !== '^.*$'))
    others.push(
      fc.array(fc.tuple(fc.constantFrom('__proto__', 'constructor', 'extra'), hostileJson), { maxLength: 1 }),
    );
  return fc
    .tuple(...known, ...others)
    .map((parts) => objectOf((parts as (readonly (readonly [string, unknown])[])[]).flat()))
    .filter((value) => Object.keys(value).length >= (schema.minProperties ?? 0));
}
