// The SSH host key of a machine: seen once, agreed to, kept, and from then on the only one that is accepted.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CmigError } from '../../core/errors.ts';
import { runProcess } from '../../core/run-process.ts';
import { knownHostName, type SshAddress } from './ssh-address.ts';

export interface HostKey {
  /** `ssh-ed25519 AAAA…` */
  key: string;
  /** `SHA256:…` */
  fingerprint: string;
}

/** The best first: it is the one that peers will pin. */
const types = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

/** What the machine shows by itself. @throws CmigError `unreachable` */
export async function scanHostKey(where: SshAddress): Promise<HostKey> {
  const { address, port } = where;
  const { stdout, stderr } = await runProcess(
    'ssh-keyscan',
    ['-T', '10', '-p', String(port), '-t', 'ed25519,ecdsa,rsa', '--', address],
    { allowedExitCodes: [0, 1, 255], timeoutMs: 40_000 },
  );
  const keys = stdout
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(' ').slice(1, 3).join(' '));
  const key = types.flatMap((type) => keys.filter((each) => each.startsWith(`${type} `)))[0];
  if (key) return { key, fingerprint: await fingerprintOf(key) };
  const told = stderr.split(/[\r\n]+/).findLast((line) => line && !line.startsWith('#'));
  throw new CmigError(
    'unreachable',
    `no SSH server answers at ${address} port ${port}${told ? `: ${told}` : ''}`,
    {
      hint: 'is the machine up, is the address right, and does a firewall let SSH through?',
    },
  );
}

export async function fingerprintOf(key: string): Promise<string> {
  const { stdout } = await runProcess('ssh-keygen', ['-lf', '-'], { input: `${key}\n` });
  return stdout.split(' ')[1] ?? '';
}

/** The key that was agreed to before, from a file in the form of known_hosts. */
export async function pinnedKey(file: string, where: SshAddress): Promise<string | undefined> {
  const name = knownHostName(where);
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const line = lines.find((each) => each.startsWith(`${name} `));
  return line?.slice(name.length + 1).trim();
}

export async function pinKey(file: string, where: SshAddress, key: string): Promise<void> {
  await replacePin(file, where, [`${knownHostName(where)} ${key}`]);
}

/** Forgets it. */
export async function unpinKey(file: string, where: SshAddress): Promise<void> {
  if (existsSync(file)) await replacePin(file, where, []);
}

async function replacePin(file: string, where: SshAddress, lines: string[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const present = existsSync(file) ? (await readFile(file, 'utf8')).split('\n') : [];
  const kept = present.filter((line) => line && !line.startsWith(`${knownHostName(where)} `));
  await writeFile(`${file}.new`, [...kept, ...lines, ''].join('\n'), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export interface Agreement {
  /** The key or fingerprint that was given with `--host-key`. */
  given: string | undefined;
  pinned: string | undefined;
  /** Asks a person; undefined where there is none. */
  ask: ((fingerprint: string) => Promise<boolean>) | undefined;
  /** How the machine is named to a person. */
  where: SshAddress;
  pinFile: string;
}

/** Whether the key that the machine shows is the one that is meant. @throws CmigError `conflict`, `invalid`, `cancelled` */
export async function agreeOnKey(shown: HostKey, agreement: Agreement): Promise<void> {
  const { given, pinned, ask, where, pinFile } = agreement;
  const name = knownHostName(where);
  if (pinned !== undefined && pinned !== shown.key)
    throw new CmigError('conflict', `${name} shows another SSH host key than before: ${shown.fingerprint}`, {
      hint: `somebody may be in between; if the machine was made anew: ssh-keygen -R '${name}' -f ${pinFile}`,
    });
  if (given !== undefined) {
    const matches = given.startsWith('SHA256:')
      ? given === shown.fingerprint
      : given.trim().split(/\s+/).slice(0, 2).join(' ') === shown.key;
    if (matches) return;
    throw new CmigError(
      'conflict',
      `${name} shows the SSH host key ${shown.fingerprint}, which is not the one given`,
      {
        hint: 'somebody may be in between; on its console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
      },
    );
  }
  if (pinned !== undefined) return;
  if (!ask)
    throw new CmigError('invalid', `the SSH host key of ${name} is not known: ${shown.fingerprint}`, {
      hint: `compare it on the machine's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then give --host-key ${shown.fingerprint}`,
    });
  if (!(await ask(shown.fingerprint))) throw new CmigError('cancelled', 'the SSH host key was not agreed to');
}
