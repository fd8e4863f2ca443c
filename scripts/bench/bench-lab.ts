// The benchmarks' own lab: driven through bin/cmig with a configuration of its own, and looked into from outside.
import { mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { waitFor } from '../../src/core/retry.ts';
import { type ProcessResult, runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { enterVector, runInside } from '../../src/lab/inside.ts';
import type { LabStatus } from '../../src/lab/lab.ts';
import { LabPaths, type MachinePaths } from '../../src/lab/lab-paths.ts';
import { runningMachines } from '../../src/lab/machine.ts';

export const root = join(import.meta.dirname, '../..');
export const cmigProgram = join(root, 'bin/cmig');
export const nodeProgram = join(root, 'node_modules/.bin/node');

const calmMs = 500;

export class BenchLab {
  readonly name: string;
  readonly hosts = ['host-a', 'host-b'] as const;
  readonly #sites: string | undefined;
  #folder = '';
  #machines = new Map<string, number>();

  /** @param sites networks of their own for its hosts; one segment if absent */
  constructor(name: string, sites?: string) {
    this.name = name;
    this.#sites = sites;
  }

  async up(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'cmig-bench-'));
    await symlink(join(root, 'manifests/images'), join(this.#folder, 'images'));
    // What a run that was killed has left would be measured as well.
    await this.cmig('lab', 'down', '--name', this.name);
    const sites = this.#sites ? ['--sites', this.#sites] : [];
    await this.cmig('lab', 'up', '--name', this.name, '--hosts', String(this.hosts.length), ...sites);
    this.#machines = await runningMachines(this.name);
    await waitFor(() => this.#knowEachOther(), {
      timeoutMs: 30_000,
      intervalMs: 100,
      what: 'the hosts having heard of each other',
    });
  }

  async #knowEachOther(): Promise<boolean> {
    const texts = await Promise.all(
      this.hosts.map((host) => readFile(join(this.folders(host).data, 'hosts.json'), 'utf8').catch(() => '')),
    );
    return texts.every((text) => this.hosts.every((host) => text.includes(`"${host}"`)));
  }

  async down(): Promise<void> {
    await this.cmig('lab', 'down', '--name', this.name);
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }

  /** For programs that are to use this lab as a person would. */
  get environment(): Record<string, string> {
    return { CMIG_CONFIG: join(this.#folder, 'config.yaml'), NO_COLOR: '1' };
  }

  /** Runs bin/cmig. @throws CmigError `tool-failed` where it does not exit with 0 */
  async cmig(...args: string[]): Promise<string> {
    const { stdout } = await runProcess(cmigProgram, args, { env: this.environment, timeoutMs: 300_000 });
    return stdout;
  }

  async cmigJson<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.cmig(...args, '-o', 'json')) as T;
  }

  status(): Promise<LabStatus> {
    return this.cmigJson('lab', 'status', '--name', this.name);
  }

  /** Runs a program on a host without a command line in between, whose start would be measured as well. */
  onHost(host: string, ...argv: string[]): Promise<ProcessResult> {
    return runInside(this.init(host), argv);
  }

  /** The same for a program that leaves others behind: they get /dev/null and not this process's pipes. */
  async startOnHost(host: string, ...argv: string[]): Promise<void> {
    const [program = '', ...args] = enterVector(this.init(host), argv);
    const { exitCode } = await spawnProcess(program, args, { stdio: ['ignore', 'ignore', 'ignore'] }).ended;
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} on ${host} ended with ${exitCode}`);
  }

  /** The first process of a host, as this machine numbers it. */
  init(host: string): number {
    const init = this.#machines.get(host);
    if (init === undefined) throw new Error(`${host} of lab ${this.name} does not run`);
    return init;
  }

  /** The folders of a host, as this machine sees them. */
  folders(host: string): MachinePaths {
    return new LabPaths(this.name).machine(host);
  }

  /** Deploys an application of one container on host-a, and waits until it is ready. @returns its address */
  deploy(name: string, container: Record<string, unknown>): Promise<string> {
    return this.deploySpec(name, { containers: [{ name: 'main', ...container }] });
  }

  /** The same with all that a manifest's `spec` can say. */
  async deploySpec(name: string, spec: Record<string, unknown>): Promise<string> {
    const file = join(this.#folder, `${name}.yaml`);
    const manifest = {
      apiVersion: 'cmig.dev/v1',
      kind: 'Application',
      metadata: { name },
      spec: { host: this.hosts[0], ...spec },
    };
    await writeFile(file, stringify(manifest));
    await this.cmig('apply', '-f', file, '--allow-outside', '--wait');
    const { status } = await this.cmigJson<{ status: { address: string } }>('get', 'application', name);
    return status.address;
  }

  /**
   * Before a measurement: nothing that an earlier one left is still on its way to the disk, and so many megabytes of
   * memory are at hand. A virtual machine that returns free memory to its host pays for every page it takes back, which
   * would favour whoever comes after somebody else's clean-up.
   */
  async calm(megabytes = 0): Promise<void> {
    const file = join(this.folders(this.hosts[0]).data, 'bench-memory');
    const block = Buffer.alloc(2 ** 20);
    const handle = await open(file, 'w');
    for (let written = 0; written < megabytes; written += 1) await handle.write(block);
    await handle.close();
    await rm(file);
    await runProcess('sync', []);
    await sleep(calmMs);
  }
}

/** Python that streams a number every 50 ms to each connection, with so much memory that does not compress. */
export const tickerWith = (megabytes: number): Record<string, unknown> => ({
  image: 'dir:images/python',
  command: ['python3', '/app/ticker.py'],
  env: [{ name: 'BALLAST_MB', value: String(megabytes) }],
  ready: { tcp: 7000, interval: '200ms', timeout: '60s' },
});
