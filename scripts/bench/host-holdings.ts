// What a host of the lab holds of this machine: its agent's memory and files, its disk, what the kernel keeps for it.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findAgents } from '../../src/lab/host-agent.ts';
import { hostCgroup } from '../../src/lab/lab-plan.ts';
import { processesWith } from '../../src/lab/process-table.ts';
import type { BenchLab } from './bench-lab.ts';

/** One number for each thing that could grow; sizes in KiB. */
export interface HostHoldings {
  'agent VmRSS KiB': number;
  'agent open files': number;
  'agent threads': number;
  '/var/lib/cmig KiB': number;
  '/var/lib/cmig files': number;
  /** Of which the newest 100 are kept. */
  journals: number;
  '/run/cmig KiB': number;
  '/run/cmig files': number;
  cgroups: number;
  mounts: number;
  'network namespaces': number;
  links: number;
  processes: number;
}

export async function readHoldings(lab: BenchLab, host: string): Promise<HostHoldings> {
  const init = lab.init(host);
  const [agent] = await findAgents(init);
  const status = await readFile(`/proc/${agent}/status`, 'utf8');
  const ofStatus = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const [dataKiB = 0, runKiB = 0] = await usage(lab, host, '--block-size=1K');
  const [dataFiles = 0, runFiles = 0] = await usage(lab, host, '--inodes');
  const journals = (await readdir(join(lab.folders(host).data, 'migrations'))).length;
  return {
    'agent VmRSS KiB': ofStatus('VmRSS'),
    'agent open files': (await readdir(`/proc/${agent}/fd`)).length,
    'agent threads': ofStatus('Threads'),
    '/var/lib/cmig KiB': dataKiB,
    // A journal is a folder with a file in it.
    '/var/lib/cmig files': dataFiles - 2 * journals,
    journals,
    '/run/cmig KiB': runKiB,
    '/run/cmig files': runFiles,
    cgroups: await countCgroups(hostCgroup(lab.name, host)),
    mounts: (await readFile(`/proc/${init}/mounts`, 'utf8')).split('\n').length - 1,
    'network namespaces': (await readdir(`/proc/${init}/root/run/netns`).catch(() => [])).length,
    links: (await lab.onHost(host, 'ls', '/sys/class/net')).stdout.trim().split('\n').length,
    processes: (await processesWith(init)).length,
  };
}

/** Of the agent's two folders, the mounted root file systems left out. */
async function usage(lab: BenchLab, host: string, unit: string): Promise<number[]> {
  const { stdout } = await lab.onHost(host, 'du', '-sx', unit, '/var/lib/cmig', '/run/cmig');
  return stdout
    .trim()
    .split('\n')
    .map((line) => Number.parseInt(line, 10));
}

/** Below the parent, in all hierarchies. */
async function countCgroups(parent: string): Promise<number> {
  const root = '/sys/fs/cgroup';
  let count = 0;
  for (const hierarchy of ['', ...(await readdir(root))]) {
    const folder = join(root, hierarchy, parent);
    if (!existsSync(folder)) continue;
    const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
    count += entries.filter((entry) => entry.isDirectory()).length;
  }
  return count;
}
