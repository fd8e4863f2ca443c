// Where a machine is reached by SSH: ssh://root@ADDRESS[:PORT].
import { CmigError } from '../../core/errors.ts';

export interface SshAddress {
  address: string;
  port: number;
}

/** @throws CmigError `invalid` */
export function parseSshAddress(text: string): SshAddress {
  const match = /^ssh:\/\/(?:([^@/]+)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(?::(\d+))?\/?$/.exec(
    text,
  );
  const port = Number(match?.[3] ?? 22);
  if (!match || port < 1 || port > 65535)
    throw new CmigError('invalid', `"${text}" does not say where a machine is reached by SSH`, {
      hint: 'such as ssh://root@192.0.2.7 or ssh://root@host.example.org:2222',
    });
  const [, user = 'root', address = ''] = match;
  if (user !== 'root')
    throw new CmigError('invalid', `a machine is set up by root, not by ${user}`, {
      hint: `let root in by a key (PermitRootLogin prohibit-password) and name ssh://root@${address}`,
    });
  return { address: address.replace(/^\[|\]$/g, ''), port };
}

/** As ssh-keyscan and known_hosts name it. */
export const knownHostName = ({ address, port }: SshAddress): string =>
  port === 22 ? address : `[${address}]:${port}`;
