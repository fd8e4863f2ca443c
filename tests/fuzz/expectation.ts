// What an agent must answer to a message, by the contract's schemas and ajv: not by the code that is tested.
import { Ajv, type ValidateFunction } from 'ajv';
import type { FaultCode } from '../../src/contract/fault.ts';
import { Request } from '../../src/contract/message.ts';
import { methods } from '../../src/contract/methods.ts';
import { maxMessageBytes, protocolVersion } from '../../src/contract/protocol.ts';

/**
 * `nothing` must come; or a fault with this code; or `any` answer, for what is a request and may be acted on; `perhaps`
 * where it is up to the broker whether the message arrives.
 */
export type Expectation = { fault: FaultCode } | 'any' | 'perhaps' | 'nothing';

const ajv = new Ajv({ strict: false });
const compiled = new Map<object, ValidateFunction>();

const fits = (schema: object, value: unknown): boolean => {
  const check = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, check);
  return Boolean(check(value));
};

/** For a message that arrives whole and says that it is JSON. */
export function expectationOf(content: Buffer): Expectation {
  if (content.length > maxMessageBytes) return { fault: 'invalid' };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    return { fault: 'invalid' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { fault: 'invalid' };
  const { protocolVersion: version, method, params } = value as Record<string, unknown>;
  if (version !== protocolVersion) return { fault: Number.isInteger(version) ? 'incompatible' : 'invalid' };
  if (!fits(Request, value)) return { fault: 'invalid' };
  if (!Object.hasOwn(methods, method as string)) return { fault: 'unsupported' };
  return fits(methods[method as keyof typeof methods].params, params) ? 'any' : { fault: 'invalid' };
}
