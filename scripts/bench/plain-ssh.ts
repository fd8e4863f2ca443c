// SSH and rsync between the lab's hosts as a person would use them: an sshd and a key pair of the benchmark's own, since
// the hosts' own keys can do nothing but deliver for the agent. Both are gone when it is closed.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import type { BenchLab } from './bench-lab.ts';

const port = 2222;
/** On the disk of a host, as all that is measured. */
export const benchFolder = '/var/lib/cmig/bench';

export class PlainSsh {
  readonly #lab: BenchLab;
  readonly #addresses: Map<string, string>;

  private constructor(lab: BenchLab, addresses: Map<string, string>) {
    this.#lab = lab;
    this.#addresses = addresses;
  }

  static async open(lab: BenchLab): Promise<PlainSsh> {
    const { hosts } = await lab.status();
    const ssh = new PlainSsh(lab, new Map(hosts.map(({ name, address }) => [name, address])));
    await Promise.all(lab.hosts.map((host) => ssh.#makeKeys(host)));
    await Promise.all(lab.hosts.map((host) => ssh.#serve(host)));
    return ssh;
  }

  async close(): Promise<void> {
    for (const host of this.#lab.hosts) {
      const pid = await readFile(join(this.#folder(host), 'sshd.pid'), 'utf8').catch(() => undefined);
      if (pid) await this.#lab.onHost(host, 'kill', pid.trim());
      await rm(join(this.#lab.folders(host).data, 'bench'), { recursive: true, force: true });
    }
  }

  /** The argument vector, for the host that sends, of `rsync -a` to a folder of its peer. */
  rsync(to: string, source: string, destination: string): string[] {
    const keys = `${benchFolder}/ssh`;
    const options = {
      UserKnownHostsFile: `${keys}/known_hosts`,
      // What the agents use, where OpenSSH would take ChaCha20: the comparison is not to be won by the cipher.
      Ciphers: 'aes128-gcm@openssh.com',
      LogLevel: 'ERROR',
    };
    const words = Object.entries(options).map(([name, value]) => `-o ${name}=${value}`);
    const shell = `ssh -F none -p ${port} -i ${keys}/key ${words.join(' ')}`;
    return ['rsync', '-a', '-e', shell, source, `root@${this.#address(to)}:${destination}`];
  }

  #address(host: string): string {
    return this.#addresses.get(host) ?? host;
  }

  #folder(host: string): string {
    return join(this.#lab.folders(host).data, 'bench/ssh');
  }

  async #makeKeys(host: string): Promise<void> {
    const folder = this.#folder(host);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of ['key', 'host_key'])
      await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }

  async #serve(host: string): Promise<void> {
    const peer = this.#lab.hosts.find((each) => each !== host)!;
    const [key, hostKey] = await Promise.all(
      ['key.pub', 'host_key.pub'].map((name) => readFile(join(this.#folder(peer), name), 'utf8')),
    );
    await writeFile(join(this.#folder(host), 'authorized_keys'), key!);
    await writeFile(join(this.#folder(host), 'known_hosts'), `[${this.#address(peer)}]:${port} ${hostKey}`);
    const settings = {
      ListenAddress: `${this.#address(host)}:${port}`,
      HostKey: `${benchFolder}/ssh/host_key`,
      AuthorizedKeysFile: `${benchFolder}/ssh/authorized_keys`,
      PidFile: `${benchFolder}/ssh/sshd.pid`,
      AuthenticationMethods: 'publickey',
      PermitRootLogin: 'prohibit-password',
      UsePAM: 'no',
      UseDNS: 'no',
      PrintMotd: 'no',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    await writeFile(join(this.#folder(host), 'sshd_config'), lines.join(''));
    await this.#lab.onHost(host, '/usr/sbin/sshd', '-f', `${benchFolder}/ssh/sshd_config`);
  }
}
