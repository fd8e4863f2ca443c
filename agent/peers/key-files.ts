// The texts of known_hosts and authorized_keys: each peer's host key pinned, each peer's key able to deliver only.
import type { HostRecord } from '../../src/contract/host.ts';

/** Stands first in a file that is the agent's own; a file without it is a person's and is not touched. */
export const ownershipLine =
  '# Written by cmig-agent, which replaces the whole file when a host joins or changes.';

const byName = (hosts: readonly HostRecord[]): HostRecord[] =>
  [...hosts].sort((a, b) => (a.name < b.name ? -1 : 1));

/** One line a peer, in the form of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
export function knownHostsText(peers: readonly HostRecord[]): string {
  const lines = byName(peers).map(({ address, sshPort, sshHostKey }) =>
    sshPort === 22 ? `${address} ${sshHostKey}` : `[${address}]:${sshPort} ${sshHostKey}`,
  );
  return `${[ownershipLine, ...lines].join('\n')}\n`;
}

/**
 * One line a peer: its key works from its address only, opens no terminal, forwards nothing, and starts the receive
 * guard whatever it asks for. sshd gives the command to root's shell, hence the quotes within the quotes.
 */
export function authorizedKeysText(
  peers: readonly HostRecord[],
  guardFile: string,
  incomingDirectory: string,
): string {
  const command = `${shellQuoted(guardFile)} ${shellQuoted(incomingDirectory)}`.replaceAll('"', '\\"');
  const lines = byName(peers).map(
    ({ name, address, transferKey }) =>
      `restrict,from="${address}",command="${command}" ${transferKey} cmig-${name}`,
  );
  return `${[ownershipLine, ...lines].join('\n')}\n`;
}

const shellQuoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;
