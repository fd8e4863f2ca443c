// One host in a lab of its own, with an application that runs: what is attacked, and what must be as it was afterwards.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrokerConnection } from '../../src/broker/connection.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { findAgents } from '../../src/lab/host-agent.ts';
import { runInside } from '../../src/lab/inside.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { connectToLab } from '../e2e/lab-broker.ts';
import { selfLooks } from '../e2e/self-looks.ts';
import { cmigProgram, root, settings } from '../e2e/settings.ts';
import { canary } from './hostile-values.ts';

export const host = 'host-a';
/** Runs while its host is attacked; no generated request names it, but those that only read do. */
export const bystander = 'bystander';

/** All that could be left over, as lines, so that a difference can be read. */
export type HostState = string[];

/** A delivery that was announced and never came leaves its empty folder: it may still come, and the doctor tells of it. */
const stateScript = `
cd /var/lib/cmig && find . -xdev -not \\( -path './incoming/m-*' -type d -empty \\) -not -path './migrations/*' -not -path './layers/*/rootfs/*' -not -name log -not -name self-test-passed -print
cd /run/cmig && find . -xdev -not -path ./ssh -print
ls -d /run/netns/* /tmp/* /var/tmp/* /${canary.split('/').pop()} 2>/dev/null
ls /sys/class/net
nsenter --net=/run/netns/cmig-${bystander} ip -o -4 addr
runc --root /run/cmig/runc list -q
mount | wc -l
for each in /proc/[0-9]*; do tr '\\0' ' ' < $each/cmdline 2>/dev/null | cut -c 1-80; done | grep -v 'find \\|tr \\|sh -c\\|sort\\|cut ' 
find / -xdev -name '${canary.split('/').pop()}' 2>/dev/null
:
`;

export class Target {
  readonly lab: string;
  readonly #init: number;
  readonly #agent: number;

  private constructor(lab: string, init: number, agent: number) {
    this.lab = lab;
    this.#init = init;
    this.#agent = agent;
  }

  static async up(lab: string): Promise<Target> {
    await mkdir(settings.folder, { recursive: true });
    await cmig('lab', 'down', '--name', lab);
    await cmig('lab', 'up', '--name', lab, '--hosts', '1');
    const init = (await runningMachines(lab)).get(host)!;
    const target = new Target(lab, init, (await findAgents(init))[0]!);
    await target.#deploy();
    // What its own look at its host has made for a moment is no part of how it is.
    const hasLooked = async () => (await selfLooks(lab, host)) > 0;
    await waitFor(hasLooked, { timeoutMs: 60_000, what: "the agent's look at its host" });
    return target;
  }

  async down(): Promise<void> {
    await cmig('lab', 'down', '--name', this.lab);
    await rm(join(settings.folder, this.lab), { recursive: true, force: true });
  }

  get logFile(): string {
    return new LabPaths(this.lab).machine(host).agentLog;
  }

  connect(): Promise<BrokerConnection> {
    return connectToLab(this.lab, 'fuzz');
  }

  /** The same process as at the beginning, and no other one. */
  async agentLives(): Promise<boolean> {
    const agents = await findAgents(this.#init);
    return agents.length === 1 && agents[0] === this.#agent;
  }

  /** VmRSS of the agent. */
  async residentMb(): Promise<number> {
    const status = await readFile(`/proc/${this.#agent}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async openFiles(): Promise<number> {
    return (await readdir(`/proc/${this.#agent}/fd`)).length;
  }

  async journals(): Promise<number> {
    return (await readdir(join(new LabPaths(this.lab).machine(host).data, 'migrations'))).length;
  }

  /** What the agent itself calls a fault of its own. */
  async unhandled(): Promise<string[]> {
    const log = await readFile(this.logFile, 'utf8');
    return log
      .split('\n')
      .filter((line) => /"msg":"unhandled"|"level":60|FATAL|MaxListenersExceeded|Warning:/.test(line));
  }

  async state(): Promise<HostState> {
    const { stdout } = await runInside(this.#init, ['sh', '-c', stateScript]);
    return stdout.split('\n').sort();
  }

  async #deploy(): Promise<void> {
    const folder = join(settings.folder, this.lab);
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'bystander.yaml');
    await writeFile(
      file,
      `apiVersion: cmig.dev/v1
kind: Application
metadata: { name: ${bystander} }
spec:
  host: ${host}
  containers:
    - name: main
      image: dir:${join(root, 'manifests/images/busybox')}
      command: [sleep, "100000"]
`,
    );
    await cmig('apply', '-f', file, '--allow-outside', '--wait', '--context', `lab-${this.lab}`);
  }
}

async function cmig(...args: string[]): Promise<string> {
  const { stdout } = await runProcess(cmigProgram, args, {
    env: { CMIG_CONFIG: settings.config, NO_COLOR: '1' },
    timeoutMs: 120_000,
  });
  return stdout;
}
