// A container that is moved by hand: runc checkpoint, rsync, runc restore, with nothing around them. It is what the
// product's pause is measured against, so everything that can be done before the pause is done before it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostCgroup } from '../../src/lab/lab-plan.ts';
import { type BenchLab, root } from './bench-lab.ts';
import { benchFolder, type PlainSsh } from './plain-ssh.ts';

const container = 'by-hand';
const folder = `${benchFolder}/${container}`;
const namespace = 'by-hand';
const images = ['--image-path', `${folder}/images`, '--work-path', `${folder}/work`];
const checkpointOptions = ['--manage-cgroups-mode', 'ignore', '--tcp-established', '--file-locks'];

export interface HandMoveTimes {
  checkpointMs: number;
  rsyncMs: number;
  restoreMs: number;
  /** From the start of runc checkpoint to the end of runc restore. */
  pauseMs: number;
}

export class HandMove {
  readonly #lab: BenchLab;
  readonly #ssh: PlainSsh;

  private constructor(lab: BenchLab, ssh: PlainSsh) {
    this.#lab = lab;
    this.#ssh = ssh;
  }

  /** Both hosts have the root file system, the bundle and the network namespace; host-a runs the container. */
  static async start(lab: BenchLab, ssh: PlainSsh, megabytes: number): Promise<HandMove> {
    const move = new HandMove(lab, ssh);
    for (const host of lab.hosts) await move.#prepare(host, megabytes);
    await lab.startOnHost(lab.hosts[0], 'runc', 'run', '-d', '-b', `${folder}/bundle`, container);
    return move;
  }

  async stop(): Promise<void> {
    for (const host of this.#lab.hosts) {
      await this.#lab.onHost(host, 'runc', 'delete', '--force', container);
      await this.#lab.onHost(host, 'ip', 'netns', 'del', namespace);
      await rm(this.#outside(host), { recursive: true, force: true });
    }
  }

  /** The program holds its memory and listens. */
  async isReady(): Promise<boolean> {
    const argv = ['nsenter', `--net=/run/netns/${namespace}`, 'ss', '-tlnH', 'sport', '=', ':7000'];
    return (await this.#lab.onHost(this.#lab.hosts[0], ...argv)).stdout.trim() !== '';
  }

  async move(from: string, to: string): Promise<HandMoveTimes> {
    await this.#empty();
    const lab = this.#lab;
    const start = performance.now();
    await lab.onHost(from, 'runc', 'checkpoint', ...images, ...checkpointOptions, container);
    const dumped = performance.now();
    await lab.onHost(from, ...this.#ssh.rsync(to, `${folder}/images/`, `${folder}/images/`));
    const sent = performance.now();
    const bundle = ['-b', `${folder}/bundle`, '--manage-cgroups-mode', 'ignore'];
    await lab.startOnHost(to, 'runc', 'restore', '-d', ...images, ...bundle, container);
    const end = performance.now();
    // As the product does at its end: memory that was just freed is the fastest there is, and both ways find the same.
    await this.#empty();
    return {
      checkpointMs: dumped - start,
      rsyncMs: sent - dumped,
      restoreMs: end - sent,
      pauseMs: end - start,
    };
  }

  async #empty(): Promise<void> {
    for (const host of this.#lab.hosts) {
      for (const name of ['images', 'work']) {
        await rm(join(this.#outside(host), name), { recursive: true, force: true });
        await mkdir(join(this.#outside(host), name));
      }
    }
  }

  #outside(host: string): string {
    return join(this.#lab.folders(host).data, 'bench', container);
  }

  async #prepare(host: string, megabytes: number): Promise<void> {
    const outside = this.#outside(host);
    await rm(outside, { recursive: true, force: true });
    await mkdir(join(outside, 'bundle'), { recursive: true });
    await this.#lab.onHost(
      host,
      'cp',
      '-a',
      join(root, 'manifests/images/python'),
      `${folder}/bundle/rootfs`,
    );
    await writeFile(
      join(outside, 'bundle/config.json'),
      JSON.stringify(this.#config(hostCgroup(this.#lab.name, host), megabytes)),
    );
    await writeFile(join(outside, 'criu.conf'), 'network-lock skip\ntcp-established\nfile-locks\n');
    await this.#lab.onHost(host, 'ip', 'netns', 'add', namespace);
    await this.#lab.onHost(host, 'ip', '-n', namespace, 'link', 'set', 'lo', 'up');
  }

  #config(cgroup: string, megabytes: number) {
    return {
      ociVersion: '1.0.2',
      annotations: { 'org.criu.config': `${folder}/criu.conf` },
      hostname: container,
      root: { path: 'rootfs' },
      process: {
        args: ['python3', '/app/ticker.py'],
        cwd: '/',
        env: ['PATH=/usr/bin:/bin', `BALLAST_MB=${megabytes}`],
        user: { uid: 0, gid: 0 },
        noNewPrivileges: true,
      },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        {
          destination: '/dev',
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', 'strictatime', 'mode=755'],
        },
      ],
      linux: {
        cgroupsPath: `${cgroup}/${container}`,
        namespaces: [
          { type: 'pid' },
          { type: 'ipc' },
          { type: 'uts' },
          { type: 'mount' },
          { type: 'network', path: `/run/netns/${namespace}` },
        ],
      },
    };
  }
}
