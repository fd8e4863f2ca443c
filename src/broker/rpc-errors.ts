// What can go wrong between a request and its answer, in plain words.
import { type MethodName, methods } from '../contract/methods.ts';
import { CmigError } from '../core/errors.ts';
import type { BrokerConnection } from './connection.ts';
import { anyHost } from './topology.ts';

/** The request may or may not have reached the agent; it may be repeated under its id. */
export class Interrupted extends CmigError {
  readonly reason: CmigError;

  constructor(reason: CmigError) {
    super(reason.code, reason.message, { hint: reason.hint, cause: reason.cause });
    this.reason = reason;
  }
}

export const silent = (host: string, timeoutMs: number, { blockedBy }: BrokerConnection): CmigError =>
  new CmigError(
    'unreachable',
    `${host === anyHost ? 'no agent answered' : `${host} did not answer`} within ${timeoutMs / 1000} s`,
    {
      ...(host === anyHost ? {} : { host }),
      hint: blockedBy
        ? `the broker takes no messages: ${blockedBy}`
        : 'is the host up, does its agent run (systemctl status cmig-agent), and does it reach the broker?',
    },
  );

export const notConnected = (host: string): CmigError =>
  new CmigError('unreachable', `the agent of ${host} is not connected to the broker`, {
    host,
    hint: 'is the host up, does its agent run (systemctl status cmig-agent), and does it reach the broker?',
  });

/** The broker has no queue for it. */
export const noSuchHost = (host: string): CmigError =>
  host === anyHost
    ? new CmigError('unreachable', 'no agent is connected to the broker', {
        hint: 'start cmig-agent on a host, or try cmig on this machine: `cmig lab up`',
      })
    : new CmigError('not-found', `there is no host "${host}"`, {
        hint: 'no agent of this name has ever connected to this broker: see `cmig get hosts`',
      });

export const unexpected = (host: string, method: string): CmigError =>
  new CmigError('failed', `${host} answered to ${method} in another way than the contract says`, { host });

/** @throws CmigError `invalid`, always */
export async function refuseParams(method: MethodName, params: unknown): Promise<never> {
  const { schemaProblems } = await import('./schema-problems.ts');
  throw new CmigError('invalid', `the params of ${method} are not what the contract says`, {
    problems: schemaProblems(methods[method].params, params),
  });
}
