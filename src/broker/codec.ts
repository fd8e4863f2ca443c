// What travels through the broker: JSON in UTF-8, with a protocol version, checked before anything acts on it.
import { readFileSync } from 'node:fs';
import type { Fault } from '../contract/fault.ts';
import { FaultSchema } from '../contract/fault.ts';
import { Request } from '../contract/message.ts';
import { type MethodName, methods } from '../contract/methods.ts';
import { maxMessageBytes, protocolVersion } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';
import { fits } from './schema-check.ts';

/** A UUID by chance, from Linux itself where there is one: loading Node's crypto takes a twentieth of a short command. */
export function newId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
  } catch {
    return process.getBuiltinModule('node:crypto').randomUUID();
  }
}

/** A request that may be acted on: its method exists and its params fit. */
export interface CheckedRequest {
  id: string;
  method: MethodName;
  caller: string;
  params: Record<string, unknown>;
}

/** What an answer carries. */
export type Answer = { result: unknown } | { accepted: true } | { fault: Fault };

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** @throws CmigError `invalid` where it is larger than either end accepts */
export function encode(value: unknown, what: string): Buffer {
  const content = Buffer.from(JSON.stringify(value));
  if (content.length > maxMessageBytes) {
    throw new CmigError(
      'invalid',
      `${what} is ${megabytes(content.length)} long, and a message may have ${megabytes(maxMessageBytes)}`,
    );
  }
  return content;
}

export const encodeRequest = (request: Omit<Request, 'protocolVersion'>): Buffer =>
  encode({ protocolVersion, ...request }, `the request ${request.method}`);

export const encodeAnswer = (id: string, answer: Answer): Buffer =>
  encode({ protocolVersion, id, ...answer }, 'the answer');

/** The JSON in a message. @throws CmigError `invalid` where it is too long, not UTF-8 or not JSON */
export function decode(content: Buffer): unknown {
  if (content.length > maxMessageBytes) {
    throw new CmigError(
      'invalid',
      `a message of ${megabytes(content.length)} was refused; the limit is ${megabytes(maxMessageBytes)}`,
    );
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (cause) {
    throw new CmigError('invalid', 'a message is not JSON in UTF-8', { cause });
  }
}

/**
 * The request in a message.
 * @throws CmigError `invalid` (malformed, too long, wrong params), `incompatible` (another protocol version),
 * `unsupported` (no such method)
 */
export async function decodeRequest(content: Buffer): Promise<CheckedRequest> {
  const message = decode(content);
  refuseOtherVersion(message, 'the request');
  await check(Request, message, 'the request');
  const request = message as Request;
  if (!Object.hasOwn(methods, request.method)) {
    throw new CmigError('unsupported', `there is no method ${JSON.stringify(request.method)}`, {
      hint: 'are cmig and this agent of the same version? (cmig version)',
    });
  }
  const method = request.method as MethodName;
  await check(methods[method].params, request.params, `the params of ${method}`);
  return {
    id: request.id,
    method,
    caller: request.caller,
    params: request.params as Record<string, unknown>,
  };
}

/**
 * The answer in a message to a request of `method`.
 * @throws CmigError `incompatible`, or `failed` where it is malformed
 */
export async function decodeAnswer(content: Buffer, method: MethodName, host: string): Promise<Answer> {
  const message = decode(content);
  refuseOtherVersion(message, `the answer of ${host}`, host);
  const { result, accepted, fault } = message as Record<string, unknown>;
  if (fault !== undefined) {
    if (!fits(FaultSchema, fault)) throw malformed(method, host);
    return { fault: fault as Fault };
  }
  if (accepted === true) return { accepted };
  if (result === undefined) throw malformed(method, host);
  await checkResult(method, result, host);
  return { result };
}

/** @throws CmigError `failed` where what `host` answers to `method` is not what the contract says */
export async function checkResult(method: MethodName, result: unknown, host: string): Promise<void> {
  const { result: schema } = methods[method];
  if (fits(schema, result)) return;
  const { schemaProblems } = await import('./schema-problems.ts');
  throw new CmigError('failed', `what ${host} answers to ${method} is not what the contract says`, {
    host,
    problems: schemaProblems(schema, result),
  });
}

const malformed = (method: MethodName, host: string): CmigError =>
  new CmigError('failed', `the answer of ${host} to ${method} is malformed`, { host });

async function check(schema: object, value: unknown, what: string): Promise<void> {
  if (fits(schema, value)) return;
  const { schemaProblems } = await import('./schema-problems.ts');
  throw new CmigError('invalid', `${what} is not what the contract says`, {
    problems: schemaProblems(schema, value),
  });
}

/** The version is looked at before all else: the rest of a message of another version may look like anything. */
function refuseOtherVersion(message: unknown, what: string, host?: string): void {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new CmigError('invalid', `${what} is not a JSON object`, { host });
  }
  const { protocolVersion: theirs } = message as Record<string, unknown>;
  if (theirs === protocolVersion) return;
  if (!Number.isInteger(theirs)) {
    throw new CmigError('invalid', `${what} has no protocol version`, { host });
  }
  throw new CmigError(
    'incompatible',
    `${what} speaks version ${theirs} of the protocol, and this end speaks ${protocolVersion}`,
    { host, hint: 'bring cmig and all agents to the same version' },
  );
}
