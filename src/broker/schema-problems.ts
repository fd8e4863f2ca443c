// Explains by ajv what is wrong with a value; loaded only when something is.
import { Ajv } from 'ajv';
import type { Problem } from '../contract/fault.ts';

const ajv = new Ajv({ allErrors: true, strict: false });

/** Every way in which `value` breaks `schema`; at most 20. */
export function schemaProblems(schema: object, value: unknown): Problem[] {
  const check = ajv.compile(schema);
  if (check(value)) return [];
  return (check.errors ?? []).slice(0, 20).map((error) => ({
    where: error.instancePath || '/',
    message: [error.message ?? 'is wrong', ...details(error.params)].join(': '),
  }));
}

function details(params: Record<string, unknown>): string[] {
  const named = params.additionalProperty ?? params.allowedValues ?? params.allowedValue;
  if (named === undefined) return [];
  return [Array.isArray(named) ? named.join(', ') : String(named)];
}
