// The one SSH connection of a command about a machine, with progress on the screen.
import { dirname, join } from 'node:path';
import type { HostRecord } from '../contract/host.ts';
import type { OnProgress } from '../core/progress.ts';
import { parseSshAddress, type SshAddress } from '../orchestrator/joining/ssh-address.ts';
import { SshSession } from '../orchestrator/joining/ssh-session.ts';
import type { Invocation } from './command.ts';
import { contextsFile } from './contexts.ts';
import { showProgress } from './show-progress.ts';

export interface Machine {
  where: SshAddress;
  /** `type key`: no other is accepted. */
  hostKey: string;
}

/** Where the host keys that were agreed to are kept. */
export const pinFile = (): string => join(dirname(contextsFile()), 'known_hosts');

/** Of a host, whose key all hosts know: by the address that its peers use, unless another one was given. */
export function machineOf(invocation: Invocation, { address, sshPort, sshHostKey }: HostRecord): Machine {
  const given = invocation.text('ADDRESS');
  return { where: given ? parseSshAddress(given) : { address, port: sshPort }, hostKey: sshHostKey };
}

/** Logs in, does the work, and closes the connection. */
export async function onMachine<T>(
  invocation: Invocation,
  { where, hostKey }: Machine,
  work: (session: SshSession, onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  const session = await SshSession.open({
    ...{ where, hostKey, identity: invocation.text('identity') },
    interactive: invocation.attended,
    signal: invocation.signal,
  });
  try {
    return await showProgress(invocation, (onProgress) => work(session, onProgress));
  } finally {
    await session.close();
  }
}
