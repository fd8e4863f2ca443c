// What hosts and applications use, as rows of `cmig top`.
import { formatBytes, formatRate } from '../formats.ts';
import { hostCondition } from '../read-model/conditions.ts';
import type { ReadModel } from '../read-model/read-model.ts';
import type { Column } from '../table.ts';

/** Figures are absent where they are not known: of a host that is not there, or not measured yet. */
export interface HostUse {
  name: string;
  condition: string;
  /** Share of all cores, 0 to 1. */
  cpu?: number;
  memoryUsedBytes?: number;
  memoryBytes?: number;
  receivedBytesPerSecond?: number;
  sentBytesPerSecond?: number;
}

export interface ApplicationUse {
  name: string;
  host: string;
  phase: string;
  /** Cores in use. */
  cpu?: number;
  memoryBytes?: number;
  processes?: number;
}

export function hostUse(state: ReadModel, nowMs: number): HostUse[] {
  return [...state.hosts.values()].map((host) => {
    const condition = hostCondition(host, state, nowMs);
    const latest = condition === 'Ready' ? host.samples.at(-1) : undefined;
    const { memoryBytes } = host.host.status;
    return {
      name: host.host.metadata.name,
      condition,
      ...latest,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  });
}

export function applicationUse(state: ReadModel, nowMs: number): ApplicationUse[] {
  return [...state.applications.values()].map(({ metadata, status }) => {
    const host = state.hosts.get(status.host);
    const there = host !== undefined && hostCondition(host, state, nowMs) === 'Ready';
    const figures = there ? [...host.containers.values()] : [];
    const own = figures.filter(({ application }) => application === metadata.name);
    const sum = (of: (figure: (typeof own)[number]) => number) =>
      own.reduce((all, each) => all + of(each), 0);
    return {
      name: metadata.name,
      host: status.host,
      phase: there ? status.phase : 'Unknown',
      ...(own.length > 0
        ? {
            cpu: Math.round(sum(({ cpu }) => cpu) * 1000) / 1000,
            memoryBytes: sum(({ memoryBytes }) => memoryBytes),
            processes: sum(({ pids }) => pids),
          }
        : {}),
    };
  });
}

const unknown = '<unknown>';
const known = (value: number | undefined, format: (value: number) => string): string =>
  value === undefined ? unknown : format(value);

export const hostUseColumns: Column<HostUse>[] = [
  { header: 'NAME', value: ({ name }) => name },
  { header: 'STATUS', value: ({ condition }) => condition },
  { header: 'CPU', value: ({ cpu }) => known(cpu, (share) => `${Math.round(share * 100)}%`) },
  { header: 'MEMORY', value: ({ memoryUsedBytes }) => known(memoryUsedBytes, formatBytes) },
  {
    header: 'MEMORY%',
    value: ({ memoryUsedBytes, memoryBytes }) =>
      memoryUsedBytes === undefined || !memoryBytes
        ? unknown
        : `${Math.round((memoryUsedBytes / memoryBytes) * 100)}%`,
  },
  { header: 'RECEIVED', value: ({ receivedBytesPerSecond }) => known(receivedBytesPerSecond, formatRate) },
  { header: 'SENT', value: ({ sentBytesPerSecond }) => known(sentBytesPerSecond, formatRate) },
];

export const applicationUseColumns: Column<ApplicationUse>[] = [
  { header: 'NAME', value: ({ name }) => name },
  { header: 'HOST', value: ({ host }) => host },
  { header: 'STATUS', value: ({ phase }) => phase },
  { header: 'CPU', value: ({ cpu }) => known(cpu, (cores) => `${Math.round(cores * 1000)}m`) },
  { header: 'MEMORY', value: ({ memoryBytes }) => known(memoryBytes, formatBytes) },
  { header: 'PROCESSES', value: ({ processes }) => known(processes, String) },
];
