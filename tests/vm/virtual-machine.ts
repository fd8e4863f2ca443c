// One virtual machine, emulated: booted from the built image, gone with this process.
import { openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';
import { MachineShell, type ShellOptions } from './machine-shell.ts';

export interface MachineOptions extends ShellOptions {
  /** The kernel that scripts/vm/build-image.sh has built. */
  kernel: string;
  /** The root file system; what is written to it goes with the machine. */
  root: string;
  /** The drive with what is this machine's own, for our own init; systemd is the init of one without. */
  drive?: string;
  /** Ports of loopback that lead to the same ports there. */
  ports?: number[];
  /** As QEMU names it, with features added and taken away: `max,-avx2`. */
  cpu: string;
  /** Its network cards beside that to the world, in their order: see `linksOf`. */
  links: Link[];
  memoryMiB: number;
}

/** One end of a cable between two machines: the end that listens is started first. */
export interface Link {
  listens: boolean;
  socket: string;
  mac: string;
}

/** Many times what it takes on a quiet machine. */
const bootLimitMs = 240_000;

export class VirtualMachine {
  readonly shell: MachineShell;
  readonly #options: MachineOptions;
  readonly #qemu: BackgroundProcess;
  #session: BackgroundProcess | undefined;
  #hasEnded = false;

  private constructor(options: MachineOptions) {
    this.shell = new MachineShell(options);
    this.#options = options;
    const output = openSync(this.#file('qemu.log'), 'a');
    // setpriv: the kernel ends it when this process ends, however that comes about.
    this.#qemu = spawnProcess(
      'setpriv',
      ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...this.#arguments()],
      { stdio: ['ignore', output, output] },
    );
    void this.#qemu.ended.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Starts it; `ready` tells when it has booted. */
  static start(options: MachineOptions): VirtualMachine {
    return new VirtualMachine(options);
  }

  /** Waits for the line that its init prints at the end, or for systemd's SSH, and opens the session of its shell. */
  async ready(): Promise<void> {
    const { name, drive } = this.#options;
    const isSaid = drive !== undefined;
    await waitFor(
      async () => {
        const text = await readFile(this.#file('console.log'), 'utf8').catch(() => '');
        if (this.#hasEnded)
          throw new Error(`${name} ended: ${await readFile(this.#file('qemu.log'), 'utf8')}${text}`);
        return !isSaid || text.includes('vm-ready');
      },
      { timeoutMs: bootLimitMs, intervalMs: 100, what: `the boot of ${name}` },
    );
    await this.#connect();
    // Its clock has whole seconds of the emulated one; hosts are expected to agree more closely.
    await this.shell.run('date', '-s', `@${(Date.now() / 1000).toFixed(3)}`);
  }

  async #connect(): Promise<void> {
    const { name } = this.#options;
    let isConnecting = false;
    await waitFor(
      async () => {
        // Its sshd may give up before a machine that is emulated has agreed on keys.
        if (!isConnecting) {
          isConnecting = true;
          this.#session = this.shell.openSession();
          void this.#session.ended.then(() => {
            isConnecting = false;
          });
        }
        return this.shell.hasSession();
      },
      { timeoutMs: bootLimitMs, intervalMs: 200, what: `SSH to ${name}` },
    );
  }

  /** Boots it anew from within, as an administrator does; one with systemd. */
  async reboot(): Promise<void> {
    const boot = () => this.shell.run('cat', '/proc/sys/kernel/random/boot_id');
    const before = await boot();
    // It may be gone before it has said that it will be.
    await this.shell.try('systemctl', 'reboot');
    await waitFor(
      async () => {
        // What is left of a session does not notice that the machine is another one.
        this.#session?.kill('SIGKILL');
        await this.#session?.ended;
        await rm(this.#file('ssh'), { force: true });
        await this.#connect();
        return (await boot().catch(() => before)) !== before;
      },
      { timeoutMs: 2 * bootLimitMs, intervalMs: 1000, what: `${this.#options.name} after a reboot` },
    );
    await this.shell.run('date', '-s', `@${(Date.now() / 1000).toFixed(3)}`);
  }

  async end(): Promise<void> {
    this.#session?.kill('SIGKILL');
    this.#qemu.kill('SIGKILL');
    await this.#session?.ended;
    await this.#qemu.ended;
  }

  #file(what: string): string {
    return join(this.#options.folder, `${this.#options.name}.${what}`);
  }

  #arguments(): string[] {
    const { kernel, root, drive, ports = [], cpu, sshPort, links, memoryMiB, name } = this.#options;
    const kernelLine = [
      ...['console=ttyS0', 'root=/dev/nvme0n1', 'rootfstype=ext4', 'rw'],
      ...(drive ? ['init=/usr/sbin/vm-init'] : []),
      // On a busy machine the timer would not pass the kernel's check of it.
      ...['quiet', 'panic=-1', 'mitigations=off', 'net.ifnames=0', 'no_timer_check'],
      // With huge pages one changed byte dirties two megabytes.
      'transparent_hugepage=never',
    ].join(' ');
    const forwarded = [`${sshPort}-:22`, ...ports.map((port) => `${port}-:${port}`)];
    const network = (id: string, netdev: string, mac: string) => [
      ...['-netdev', `${netdev},id=${id}`],
      ...['-device', `virtio-net-pci,netdev=${id},mac=${mac},romfile=`],
    ];
    return [
      // Not KVM, which may be there and yet not run every instruction; emulated, the CPUs are the same everywhere.
      ...['-name', name, '-accel', 'tcg,thread=multi,tb-size=256', '-cpu', cpu, '-m', String(memoryMiB)],
      ...['-M', 'q35,usb=off,vmport=off', '-nodefaults', '-no-user-config', '-display', 'none'],
      ...['-kernel', kernel, '-append', kernelLine],
      ...['-drive', `file=${root},format=raw,if=none,id=root,snapshot=on`],
      ...['-device', 'nvme,drive=root,serial=root'],
      // Of two drives of one kind it is chance which the kernel finds first. Our own init ends with QEMU.
      ...(drive
        ? [
            ...['-drive', `file=${drive},format=raw,if=none,id=own,snapshot=on`],
            ...['-device', 'virtio-blk-pci,drive=own', '-no-reboot'],
          ]
        : []),
      ...['-device', 'virtio-rng-pci,romfile='],
      ...['-serial', `file:${this.#file('console.log')}`, '-serial', `file:${this.#file('agent.log')}`],
      ...network(
        'world',
        ['user', ...forwarded.map((each) => `hostfwd=tcp:127.0.0.1:${each}`)].join(),
        '52:54:00:00:00:01',
      ),
      ...links.flatMap(({ listens, socket, mac }, index) =>
        network(
          `link${index}`,
          `stream,server=${listens ? 'on' : 'off'},addr.type=unix,addr.path=${socket}`,
          mac,
        ),
      ),
    ];
  }
}
