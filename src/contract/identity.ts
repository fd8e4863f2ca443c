// Who somebody is to the broker and to the agents: `<role>.<name>`, the common name of a certificate and the broker's user.
import { namePattern } from './protocol.ts';

/** What an operator may do; each may do what stands before it, too. */
export const operatorRoles = ['viewer', 'operator', 'admin'] as const;
export type OperatorRole = (typeof operatorRoles)[number];

/** An agent is a `host`, and the broker shows the certificate of a `broker`. */
export const roles = [...operatorRoles, 'host', 'broker'] as const;
export type Role = (typeof roles)[number];

export interface Identity {
  role: Role;
  name: string;
}

/** X.509 bounds a common name (RFC 5280, ub-common-name). */
export const longestIdentity = 64;

/** `host.host-a`, `viewer.ann` */
export const identityText = ({ role, name }: Identity): string => `${role}.${name}`;

/** Undefined where `text` is none, such as the user of a broker without certificates. */
export function parseIdentity(text: unknown): Identity | undefined {
  if (typeof text !== 'string' || text.length > longestIdentity) return undefined;
  const dot = text.indexOf('.');
  const role = roles.find((each) => each === text.slice(0, dot));
  const name = text.slice(dot + 1);
  return role && new RegExp(namePattern).test(name) ? { role, name } : undefined;
}
