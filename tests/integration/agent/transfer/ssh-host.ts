// A host on loopback for tests: a real sshd with a port, keys and files of its own, below one temporary folder.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostRecord } from '../../../../src/contract/host.ts';
import { waitFor } from '../../../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../../../src/core/run-process.ts';
import { freePorts } from '../../../free-ports.ts';

export interface SshHost {
  record: HostRecord;
  folder: string;
  incoming: string;
  authorizedKeysFile: string;
  hostKeyFile: string;
  identityFile: string;
  stop(): Promise<void>;
}

const prefix = 'cmig-ssh-';

/** Removes what runs left that were killed. */
async function sweep(): Promise<void> {
  for (const name of await readdir('/run')) {
    const owner = new RegExp(`^${prefix}([0-9]+)-`).exec(name)?.[1];
    if (owner === undefined || (await stat(`/proc/${owner}`).catch(() => undefined))) continue;
    await rm(join('/run', name), { recursive: true, force: true });
  }
}

/** Makes keys and starts sshd; nobody's key is let in yet. */
export async function startSshHost(name: string): Promise<SshHost> {
  await sweep();
  // Not below /tmp: sshd trusts no key file below a folder that others may write to.
  const folder = await mkdtemp(`/run/${prefix}${process.pid}-`);
  const file = (each: string): string => join(folder, each);
  await mkdir(file('incoming'), { mode: 0o700 });
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  for (const key of ['host_key', 'identity'])
    await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(key)]);
  const [port = 0] = await freePorts(1);
  // Without PAM sshd refuses keys too where the account is marked as locked.
  const isLocked = /^root:!/m.test(await readFile('/etc/shadow', 'utf8'));
  await writeFile(
    file('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${file('host_key')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      'PidFile none',
      `UsePAM ${isLocked ? 'yes' : 'no'}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      // Debian's bash would read /root/.bashrc, which on a developer's machine takes a tenth of a second.
      'SetEnv SHLVL=1',
    ].join('\n'),
  );
  await writeFile(file('authorized_keys'), '', { mode: 0o600 });
  // setpriv: the kernel ends it when this process ends, however that comes about.
  const daemon = ['/usr/sbin/sshd', '-D', '-e', '-f', file('sshd_config')];
  const sshd = spawnProcess('setpriv', ['--pdeathsig', 'KILL', '--', ...daemon]);
  let log = '';
  sshd.stderr?.on('data', (chunk) => {
    log += String(chunk);
  });
  await waitFor(() => log.includes('Server listening'), { timeoutMs: 60_000, what: 'the start of sshd' });
  const publicKey = async (path: string): Promise<string> =>
    (await readFile(path, 'utf8')).split(' ').slice(0, 2).join(' ').trim();
  return {
    folder,
    incoming: file('incoming'),
    authorizedKeysFile: file('authorized_keys'),
    hostKeyFile: file('host_key.pub'),
    identityFile: file('identity'),
    record: {
      name,
      address: '127.0.0.1',
      sshPort: port,
      sshHostKey: await publicKey(file('host_key.pub')),
      transferKey: await publicKey(file('identity.pub')),
      labels: {},
      protocolVersion: 1,
      version: 1,
    },
    async stop() {
      sshd.kill();
      await sshd.ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
