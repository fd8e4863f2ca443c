// One shared SSH connection per peer, so that no login lies inside the pause of a migration.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostRecord } from '../../src/contract/host.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { transferError } from './transfer-error.ts';

export interface SshFiles {
  /** The private key with which this host sends. */
  identityFile: string;
  knownHostsFile: string;
  /** For sockets; its path is short, since that of a socket may be 108 bytes. */
  controlDirectory: string;
}

/** An idle connection ends after this time, also where the agent was killed and can no longer end it. */
const idleSeconds = 120;

/**
 * A login lies outside of every pause: a slow or busy peer may take so long until it speaks, and a little longer until it
 * has let this host in. Of an option that is given twice ssh takes the first.
 */
const patient = ['-o', 'ConnectTimeout=15'];
const loginTimeoutMs = 20_000;

/** What the receive guard exits with; see receive-guard.ts. */
const guardRefusal = 126;

/** By this name a peer is called on command lines; its address stands in the options. */
export const sshTarget = (peer: HostRecord): string => `root@${peer.name}`;

/** Another address, key or identity is another connection. */
function controlPath(files: SshFiles, peer: HostRecord): string {
  const identity = [peer.name, peer.address, peer.sshPort, peer.sshHostKey, files.identityFile].join(' ');
  return join(files.controlDirectory, createHash('sha256').update(identity).digest('hex').slice(0, 12));
}

/**
 * The arguments of ssh before the target. They are whole in every call, so that a command whose shared connection
 * has just died opens one of its own under the same rules.
 */
export function sshArguments(files: SshFiles, peer: HostRecord): string[] {
  const options = {
    HostName: peer.address,
    Port: peer.sshPort,
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    UserKnownHostsFile: quoted(files.knownHostsFile),
    GlobalKnownHostsFile: 'none',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    BatchMode: 'yes',
    ConnectTimeout: 5,
    ServerAliveInterval: 5,
    ServerAliveCountMax: 3,
    // The fastest first: AES-GCM moves about twice as much as ChaCha20 where the CPU knows AES.
    Ciphers: 'aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr',
    Compression: 'no',
    IPQoS: 'throughput',
    LogLevel: 'ERROR',
    ControlPath: quoted(controlPath(files, peer)),
  };
  return [
    ...['-F', 'none', '-T', '-x', '-a', '-i', files.identityFile],
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
}

/** ssh cuts the values of its file options at spaces, and expands percent signs. */
const quoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`;

/** For `rsync -e`, which cuts at spaces and knows quotes but no backslash. */
export const sshCommandLine = (files: SshFiles, peer: HostRecord): string =>
  ['ssh', ...sshArguments(files, peer), '-o', 'ControlMaster=no'].map((word) => `'${word}'`).join(' ');

/** Whether the shared connection to a peer is there; asks only the local process that holds it. */
export async function isConnected(files: SshFiles, peer: HostRecord): Promise<boolean> {
  const { exitCode } = await runProcess(
    'ssh',
    [...sshArguments(files, peer), '-O', 'check', sshTarget(peer)],
    { timeoutMs: 5000, allowedExitCodes: [0, 255] },
  );
  return exitCode === 0;
}

/** Opens the shared connection. @throws CmigError that tells a refused key, a wrong host key and silence apart */
export async function openConnection(files: SshFiles, peer: HostRecord): Promise<void> {
  await mkdir(files.controlDirectory, { recursive: true, mode: 0o700 });
  const sharing = ['-o', 'ControlMaster=yes', '-o', `ControlPersist=${idleSeconds}`, '-N', '-f'];
  try {
    await runProcess('ssh', [...patient, ...sshArguments(files, peer), ...sharing, sshTarget(peer)], {
      timeoutMs: loginTimeoutMs,
    });
  } catch (error) {
    throw transferError(error, peer);
  }
}

/** A login of its own, whether or not there is a shared connection. @throws CmigError as `openConnection` */
export async function probeConnection(files: SshFiles, peer: HostRecord): Promise<void> {
  const alone = [...patient, '-o', 'ControlPath=none', ...sshArguments(files, peer)];
  try {
    await runProcess('ssh', [...alone, sshTarget(peer), 'cmig-probe'], {
      timeoutMs: loginTimeoutMs,
      // The peer's receive guard refuses: so far the way is free.
      allowedExitCodes: [guardRefusal],
    });
  } catch (error) {
    throw transferError(error, peer);
  }
}

export async function closeConnection(files: SshFiles, peer: HostRecord): Promise<void> {
  await runProcess('ssh', [...sshArguments(files, peer), '-O', 'exit', sshTarget(peer)], {
    timeoutMs: 5000,
    allowedExitCodes: [0, 255],
  });
}
