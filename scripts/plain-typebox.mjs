// What our schemas use of TypeBox, for the built programs: TypeBox itself is as long as all the rest that a short
// command loads, and makes the same plain objects in ten times the time. Types come from TypeBox, as the tests do.

/** Marks a property that may be absent; not enumerable, so that it is no keyword of the schema. */
const absent = Symbol('may be absent');

const Optional = (schema) => Object.defineProperty({ ...schema }, absent, { value: true });

const ofType = (type) => (options) => ({ type, ...options });

function object(properties, options) {
  const required = Object.keys(properties).filter((name) => !properties[name][absent]);
  return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options };
}

export default {
  String: ofType('string'),
  Integer: ofType('integer'),
  Number: ofType('number'),
  Boolean: ofType('boolean'),
  Object: object,
  Optional,
  Array: (items, options) => ({ type: 'array', items, ...options }),
  Enum: (values, options) => ({ enum: values, ...options }),
  Literal: (value, options) => ({ type: typeof value, const: value, ...options }),
  Record: ({ pattern = '^.*$' }, schema, options) => ({
    type: 'object',
    patternProperties: { [pattern]: schema },
    ...options,
  }),
  Union: (anyOf, options) => ({ anyOf, ...options }),
  Unknown: (options) => ({ ...options }),
  Unsafe: (schema) => schema,
};
