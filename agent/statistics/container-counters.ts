// What the kernel counts for each container, from its cgroup, of version 1 and 2.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readNumber } from './host-counters.ts';

export interface ContainerCounters {
  application: string;
  container: string;
  cpuMicroseconds: number;
  /** As the kernel charges it, without the page cache that it would give up first. */
  memoryBytes: number;
  pids: number;
}

/**
 * The cgroups `<parent>/<application>/<container>` as the agent's runtime lays them out.
 * @param root / but in tests
 */
export async function readContainerCounters(parent: string, root = '/'): Promise<ContainerCounters[]> {
  const cgroups = join(root, 'sys/fs/cgroup');
  const unified = await readFile(join(cgroups, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
  // Every controller of version 1 has a tree of its own; any of them tells which containers there are.
  const tree = join(cgroups, unified ? '' : 'pids', parent);
  const read = unified ? readUnified : readSplit;
  const applications = await folders(tree);
  const containers = await Promise.all(
    applications.map(async (application) =>
      (await folders(join(tree, application))).map((container) => ({ application, container })),
    ),
  );
  return Promise.all(
    containers.flat().map(async ({ application, container }) => ({
      application,
      container,
      ...(await read(cgroups, join(parent, application, container))),
    })),
  );
}

type Counters = Omit<ContainerCounters, 'application' | 'container'>;

async function readUnified(cgroups: string, path: string): Promise<Counters> {
  const file = (name: string): string => join(cgroups, path, name);
  const [cpu, current, memory, pids] = await Promise.all([
    readFile(file('cpu.stat'), 'utf8').catch(() => ''),
    readNumber(file('memory.current')),
    readFile(file('memory.stat'), 'utf8').catch(() => ''),
    readNumber(file('pids.current')),
  ]);
  return {
    cpuMicroseconds: field(cpu, 'usage_usec'),
    memoryBytes: Math.max(0, current - field(memory, 'inactive_file')),
    pids,
  };
}

async function readSplit(cgroups: string, path: string): Promise<Counters> {
  const file = (controller: string, name: string): string => join(cgroups, controller, path, name);
  const [nanoseconds, current, memory, pids] = await Promise.all([
    readNumber(file('cpuacct', 'cpuacct.usage')),
    readNumber(file('memory', 'memory.usage_in_bytes')),
    readFile(file('memory', 'memory.stat'), 'utf8').catch(() => ''),
    readNumber(file('pids', 'pids.current')),
  ]);
  return {
    cpuMicroseconds: nanoseconds / 1000,
    memoryBytes: Math.max(0, current - field(memory, 'total_inactive_file')),
    pids,
  };
}

const field = (text: string, key: string): number =>
  Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
