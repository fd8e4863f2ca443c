// A virtual machine with a Debian as it is installed: systemd is its init, and of cmig it has nothing.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import { openMirrorProxy } from '../e2e/mirror-proxy.ts';
import { freePorts } from '../free-ports.ts';
import { linksOf, type MachineName, machineAddress, readScene } from './scene.ts';
import { VirtualMachine } from './virtual-machine.ts';

/** The machine that QEMU runs on, as it is seen from within. */
const outside = '10.0.2.2';

export interface DebianMachine {
  machine: VirtualMachine;
  /** By it root is let in. */
  key: string;
  /** Where it is reached from here. */
  ssh: string;
  /** `SHA256:…` */
  hostKey: string;
  /** On the link to the other machines. */
  address: string;
  /** The broker as it is reached from there. */
  brokerUrl: string;
  /** A port of loopback that leads to the same port there. */
  port: number;
  close(): Promise<void>;
}

/** Boots it beside vm-a and vm-b. */
export async function bootDebian(name: MachineName): Promise<DebianMachine> {
  const scene = await readScene();
  const { folder, key } = scene;
  const address = machineAddress(name);
  const [sshPort = 0, port = 0] = await freePorts(2);
  const proxy = await openMirrorProxy('127.0.0.1');
  const own = join(folder, `${name}.files`);
  const root = join(folder, `${name}.img`);
  await runProcess('cp', ['--sparse=always', join(scene.image, 'systemd.img'), root], { timeoutMs: 300_000 });
  await runProcess('mkdir', ['-p', own]);
  const hostKeyFile = join(own, 'ssh_host_ed25519_key');
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', hostKeyFile]);
  const files: [path: string, mode: number, content: string | Buffer][] = [
    ['/etc/hostname', 0o644, `${name}\n`],
    ['/etc/hosts', 0o644, `127.0.0.1 localhost\n127.0.1.1 ${name}\n`],
    [
      '/etc/systemd/network/30-cmig0.network',
      0o644,
      `[Match]\nName=cmig0\n[Network]\nAddress=${address}/16\n`,
    ],
    ['/etc/apt/apt.conf.d/90mirror', 0o644, await mirrorSettings(proxy.url.replace('127.0.0.1', outside))],
    // Peers and this machine reach its sshd by one number.
    ['/etc/ssh/sshd_config.d/port.conf', 0o644, `Port 22\nPort ${sshPort}\n`],
    ['/root/.ssh/authorized_keys', 0o600, await readFile(`${key}.pub`)],
    ['/etc/ssh/ssh_host_ed25519_key', 0o600, await readFile(hostKeyFile)],
    ['/etc/ssh/ssh_host_ed25519_key.pub', 0o644, await readFile(`${hostKeyFile}.pub`)],
  ];
  await putFiles(root, own, files);
  const { stdout } = await runProcess('ssh-keygen', ['-lf', `${hostKeyFile}.pub`]);
  const machine = VirtualMachine.start({
    ...{ name, folder, key, sshPort, root, kernel: join(scene.image, 'kernel') },
    ...{ cpu: 'max', links: linksOf(folder, name), memoryMiB: 1536, ports: [port] },
  });
  return {
    ...{ machine, key, address, port },
    ssh: `ssh://root@127.0.0.1:${sshPort}`,
    hostKey: stdout.split(' ')[1]!,
    brokerUrl: scene.broker.url.replace('127.0.0.1', outside),
    async close() {
      await machine.end();
      await proxy.close();
      await rm(root, { force: true });
      await rm(own, { recursive: true, force: true });
    },
  };
}

/** What this machine's apt is told of its mirror holds there too, but for the way to it. */
async function mirrorSettings(proxy: string): Promise<string> {
  const { stdout } = await runProcess('apt-config', ['dump', 'Acquire']);
  const settings = stdout
    .split('\n')
    .filter((line) => line.endsWith(';') && !/Proxy|IndexTargets/i.test(line));
  settings.push('Acquire::Retries "5";');
  for (const scheme of ['http', 'https']) settings.push(`Acquire::${scheme}::Proxy "${proxy}";`);
  return `${settings.join('\n')}\n`;
}

/** Into a file system that is not mounted. */
async function putFiles(
  image: string,
  folder: string,
  files: [path: string, mode: number, content: string | Buffer][],
): Promise<void> {
  const commands: string[] = [];
  for (const [index, [path, mode, content]] of files.entries()) {
    const file = join(folder, `file.${index}`);
    await writeFile(file, content, { mode });
    commands.push(`rm ${path}`, `write ${file} ${path}`);
  }
  const script = join(folder, 'commands');
  await writeFile(script, `${commands.join('\n')}\n`);
  await runProcess('debugfs', ['-w', '-f', script, image], {
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
}
