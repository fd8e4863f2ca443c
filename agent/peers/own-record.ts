// What this host tells its peers of itself: from the configuration and the public halves of its keys.
import { readFile } from 'node:fs/promises';
import type { HostRecord } from '../../src/contract/host.ts';
import { protocolVersion } from '../../src/contract/protocol.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { AgentConfig } from '../config.ts';
import { encryptionKey } from '../network/encryption-key.ts';
import { chooseHostAddress, hostAddresses } from '../network/host-addresses.ts';

/**
 * `previous` is what was announced last: an equal record keeps its version, a changed one gets a newer one, also
 * where the clock was set back.
 * @throws CmigError `invalid` that names the key file that is missing or is none
 */
export async function makeOwnRecord(
  config: AgentConfig,
  previous: HostRecord | undefined,
): Promise<HostRecord> {
  const record = {
    name: config.name,
    address: config.address,
    sshPort: config.ssh.port,
    sshHostKey: await readPublicKey(config.ssh.hostKeyFile, 'ssh.hostKeyFile'),
    transferKey: await readPublicKey(`${config.ssh.identityFile}.pub`, 'ssh.identityFile'),
    labels: config.labels,
    ...(config.network.overlay ? { overlay: await ownOverlay(config, previous) } : {}),
    protocolVersion,
    ...(previous?.unschedulable ? { unschedulable: true } : {}),
    version: 0,
  };
  return { ...record, version: versionAfter(record, previous) };
}

/** The version of a record that follows `previous`. */
export function versionAfter(record: HostRecord, previous: HostRecord | undefined): number {
  if (!previous) return Date.now();
  return isSameHost(record, previous) ? previous.version : Math.max(Date.now(), previous.version + 1);
}

/** The address stays what it was: connections go through it. */
async function ownOverlay(
  { name, dataDirectory, network: { range, overlay } }: AgentConfig,
  previous: HostRecord | undefined,
): Promise<NonNullable<HostRecord['overlay']>> {
  const before = previous?.overlay?.address;
  const address =
    before && hostAddresses(range).includes(before) ? before : chooseHostAddress(range, name, new Set());
  if (overlay?.encryption === 'never') return { address };
  return { address, key: (await encryptionKey(dataDirectory)).public };
}

/** Equal in all but the version. */
export function isSameHost(a: HostRecord, b: HostRecord): boolean {
  const text = ({
    labels,
    name,
    address,
    sshPort,
    sshHostKey,
    transferKey,
    protocolVersion: protocol,
    unschedulable = false,
    overlay,
    gone = false,
  }: HostRecord) =>
    JSON.stringify([
      name,
      address,
      sshPort,
      sshHostKey,
      transferKey,
      protocol,
      unschedulable,
      overlay,
      gone,
      Object.entries(labels).sort(),
    ]);
  return text(a) === text(b);
}

async function readPublicKey(file: string, setting: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new CmigError('invalid', `the public key ${file} (${setting}) cannot be read: ${cause.message}`, {
      hint: 'ssh-keygen -t ed25519 makes a key pair',
      cause,
    });
  });
  const [type, key] = text.trim().split(/\s+/);
  if (!type || !key || !/^[a-z0-9-]+$/.test(type) || !/^[A-Za-z0-9+/=]+$/.test(key))
    throw new CmigError('invalid', `${file} (${setting}) is not a public key of SSH`, {
      hint: 'name the file that ends in .pub for ssh.hostKeyFile, and the one without for ssh.identityFile',
    });
  return `${type} ${key}`;
}
