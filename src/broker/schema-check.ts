// Checks a value against a schema of the contract without compiling it: a command that lives for a tenth of a second
// checks a handful of values once, and compiling a schema takes longer than checking a thousand times.
// Ajv, which is compiled for the explanation when a check fails, is the reference: a test holds the two together.

type Schema = { readonly [keyword: string]: unknown };

/** Keywords that say nothing about validity. */
const annotations = new Set(['description', 'title', 'default', 'examples', '$id', '$schema']);
const patterns = new Map<string, RegExp>();

/** Whether `value` fits `schema`. @throws Error where the schema uses a keyword that is not known here */
export function fits(schema: object, value: unknown): boolean {
  for (const keyword in schema) {
    const operand = (schema as Schema)[keyword];
    if (operand === undefined || annotations.has(keyword)) continue;
    const check = checks[keyword];
    if (!check) throw new Error(`schema keyword ${keyword} is not supported`);
    if (!check(operand as never, value, schema as Schema)) return false;
  }
  return true;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
// JSON Schema counts characters, not UTF-16 units.
const lengthOf = (text: string): number => {
  let length = 0;
  for (const _ of text) length++;
  return length;
};
const regular = (pattern: string): RegExp => {
  const known = patterns.get(pattern);
  if (known) return known;
  const made = new RegExp(pattern, 'u');
  patterns.set(pattern, made);
  return made;
};

const types: Record<string, (value: unknown) => boolean> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
};

const checks: Record<string, (operand: never, value: unknown, schema: Schema) => boolean> = {
  type: (operand: string | string[], value) =>
    (Array.isArray(operand) ? operand : [operand]).some((type) => types[type]?.(value) ?? false),
  const: (operand: unknown, value) => value === operand,
  enum: (operand: unknown[], value) => operand.includes(value),
  anyOf: (operand: Schema[], value) => operand.some((schema) => fits(schema, value)),
  not: (operand: Schema, value) => !fits(operand, value),
  pattern: (operand: string, value) => typeof value !== 'string' || regular(operand).test(value),
  minLength: (operand: number, value) => typeof value !== 'string' || lengthOf(value) >= operand,
  maxLength: (operand: number, value) => typeof value !== 'string' || lengthOf(value) <= operand,
  minimum: (operand: number, value) => typeof value !== 'number' || value >= operand,
  maximum: (operand: number, value) => typeof value !== 'number' || value <= operand,
  minItems: (operand: number, value) => !Array.isArray(value) || value.length >= operand,
  maxItems: (operand: number, value) => !Array.isArray(value) || value.length <= operand,
  items: (operand: Schema, value) => !Array.isArray(value) || value.every((item) => fits(operand, item)),
  minProperties: (operand: number, value) => !isObject(value) || Object.keys(value).length >= operand,
  required: (operand: string[], value) =>
    !isObject(value) || operand.every((name) => Object.hasOwn(value, name) && value[name] !== undefined),
  properties: (operand: Record<string, Schema>, value) => {
    if (!isObject(value)) return true;
    for (const name in operand) {
      if (value[name] !== undefined && Object.hasOwn(value, name) && !fits(operand[name]!, value[name]))
        return false;
    }
    return true;
  },
  patternProperties: (operand: Record<string, Schema>, value) => {
    if (!isObject(value)) return true;
    for (const pattern in operand) {
      for (const name in value) {
        if (regular(pattern).test(name) && !fits(operand[pattern]!, value[name])) return false;
      }
    }
    return true;
  },
  additionalProperties: (operand: Schema | boolean, value, schema) => {
    if (!isObject(value) || operand === true) return true;
    const known = (schema.properties ?? {}) as Record<string, Schema>;
    const others = Object.keys((schema.patternProperties ?? {}) as object);
    for (const name in value) {
      if (value[name] === undefined || Object.hasOwn(known, name)) continue;
      if (others.some((pattern) => regular(pattern).test(name))) continue;
      if (operand === false || !fits(operand, value[name])) return false;
    }
    return true;
  },
};
