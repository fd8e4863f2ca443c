// The drive of a virtual machine with what is its own: the agent as built, the Node it runs on, keys and configuration.
import { chmod, copyFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findEmulator } from '../../agent/cpu/emulator.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { root } from '../e2e/settings.ts';

export interface DriveOptions {
  name: string;
  /** Where it is made, as NAME.drive. */
  folder: string;
  /** On the link between the machines, which is also the applications' network. */
  address: string;
  /** As it is seen from the machine. */
  broker: { url: string; credentials: string };
  /** The public key that may log in. */
  publicKey: string;
  /** How many network cards lead to other machines. */
  links: number;
}

export const range = '10.78.0.0/16';

/** @returns the path of the drive */
export async function makeDrive(options: DriveOptions): Promise<string> {
  const { name, folder } = options;
  const content = join(folder, `${name}.content`);
  const etc = join(content, 'etc');
  for (const below of ['etc', 'bin', 'dist', 'node_modules/.bin'])
    await mkdir(join(content, below), { recursive: true });
  await Promise.all([
    copyFile(join(root, 'bin/cmig-agent'), join(content, 'bin/cmig-agent')),
    copyFile(join(root, 'dist/cmig-agent.mjs'), join(content, 'dist/cmig-agent.mjs')),
    copyFile(process.execPath, join(content, 'node_modules/.bin/node')),
    copyFile(
      await findEmulator({ PATH: process.env.PATH ?? '' }, name),
      join(content, 'bin/qemu-x86_64-static'),
    ),
    copyFile(options.publicKey, join(etc, 'test-key.pub')),
    makeKey(join(etc, 'ssh_host_ed25519_key')),
    makeKey(join(etc, 'identity')),
    writeFile(join(etc, 'agent.yaml'), agentConfiguration(options)),
    writeFile(join(etc, 'sshd_config'), sshdConfiguration),
    writeFile(join(etc, 'broker-credentials'), `${options.broker.credentials}\n`, { mode: 0o600 }),
    writeFile(join(content, 'boot.sh'), bootScript(options)),
  ]);
  await chmod(join(content, 'node_modules/.bin/node'), 0o755);
  const drive = join(folder, `${name}.drive`);
  await writeFile(drive, '');
  await truncate(drive, 256 * 2 ** 20);
  await runProcess('mkfs.ext4', ['-q', '-O', '^has_journal', '-m', '0', '-d', content, drive]);
  await rm(content, { recursive: true });
  return drive;
}

const makeKey = (file: string) => runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);

const agentConfiguration = ({ name, address, broker }: DriveOptions): string =>
  stringify({
    name,
    address,
    // from the machine to the one that it runs on
    broker: { url: broker.url, credentialsFile: '/etc/cmig/broker-credentials', insecure: true },
    ssh: {
      hostKeyFile: '/etc/cmig/ssh_host_ed25519_key.pub',
      identityFile: '/etc/cmig/identity',
      authorizedKeysFile: '/var/lib/cmig/ssh/authorized_keys',
    },
    network: { bridge: 'cmig0', range },
    // beside what Debian has installed: the emulator of the machine that it runs on
    programs: '/opt/cmig/bin',
  });

const sshdConfiguration = `HostKey /etc/cmig/ssh_host_ed25519_key
AuthorizedKeysFile /etc/cmig/test-key.pub /var/lib/cmig/ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 100
MaxSessions 100
LoginGraceTime 240
`;

/** Sourced by the machine's init. The first network card leads to this machine by QEMU, the others to the other ones. */
const bootScript = ({ name, address, links }: DriveOptions): string => `
hostname ${name} 2>/dev/null || echo ${name} >/proc/sys/kernel/hostname
mkdir -p /etc/cmig
cp /opt/cmig/etc/* /etc/cmig/
chmod 600 /etc/cmig/*
printf '127.0.0.1 localhost\\n${address} ${name}\\n' >/etc/hosts
ip link set dev eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
ip link add dev cmig0 type bridge mcast_snooping 0
for card in $(seq ${links}); do ip link set dev "eth$card" master cmig0 up; done
ip link set dev cmig0 up
ip addr add ${address}/16 dev cmig0
echo "+cpu +memory +pids +io" >/sys/fs/cgroup/cgroup.subtree_control
/usr/sbin/sshd -f /etc/cmig/sshd_config
NODE_COMPILE_CACHE=/var/cache/cmig-agent /opt/cmig/bin/cmig-agent --config /etc/cmig/agent.yaml </dev/null >/dev/ttyS1 2>&1 &
`;
