// What is known of hosts, applications and migrations at one moment: what every live screen shows.
import type { Application } from '../../contract/application.ts';
import type { Event } from '../../contract/events.ts';
import type { ContainerStatistics, Host, HostStatistics } from '../../contract/host.ts';
import type { MigrationOutcome, MigrationStep } from '../../contract/migration.ts';

/** All times named `…Ms` are milliseconds since the epoch by the clock of this machine. */
export interface TopologyState {
  /** Whether the broker is there, and since when that is so. */
  connection: { connected: boolean; sinceMs: number };
  /** False until the hosts have been asked once. */
  complete: boolean;
  /** Why they could not be asked. */
  problem?: string;
  hosts: ReadonlyMap<string, HostState>;
  applications: ReadonlyMap<string, Application>;
  migrations: ReadonlyMap<string, MigrationState>;
  /** Kept ones, oldest first. */
  events: readonly Event[];
  /** What a person should know, such as two hosts that claim one application. */
  warnings: readonly string[];
}

export interface HostState {
  /** How it described itself last; without versions and sizes where it never did. */
  host: Host;
  described: boolean;
  /** The last sign of it. */
  heardAtMs?: number;
  /** It does not answer, or said that it stops; until the next sign. */
  silent: boolean;
  /** Whether its own figures have come, which tell of its containers too. */
  measured: boolean;
  /** Oldest first. */
  samples: readonly HostStatistics[];
  /** By `application/container`. */
  containers: ReadonlyMap<string, ContainerStatistics>;
}

export interface MigrationState {
  id: string;
  application: string;
  from: string;
  to: string;
  strategy?: string;
  step: MigrationStep;
  startedAtMs: number;
  /** Of the step under way. */
  bytes?: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  /** When the news came that it is frozen. */
  frozenAtMs?: number;
  /** The pause as the source measured it, once it is over. */
  frozenMs?: number;
  sentBytes?: number;
  connections?: number;
  /** Which host must be heard before it goes on. */
  awaits?: string;
  outcome?: MigrationOutcome;
  endedAtMs?: number;
  error?: string;
}

export const emptyTopology = (nowMs: number): TopologyState => ({
  connection: { connected: true, sinceMs: nowMs },
  complete: false,
  hosts: new Map(),
  applications: new Map(),
  migrations: new Map(),
  events: [],
  warnings: [],
});

export type HostCondition = Host['status']['condition'] | 'Unknown';

/** A host measures itself every 2 s; after three times nothing it is not there. */
export const silenceMs = 6500;

/** How a host is, as far as can be known: without a broker nothing is. */
export function hostCondition(
  { host, heardAtMs, silent }: HostState,
  { connection }: TopologyState,
  nowMs: number,
): HostCondition {
  if (!connection.connected) return 'Unknown';
  if (host.status.condition === 'Incompatible') return 'Incompatible';
  if (silent) return 'NotReady';
  const heard = Math.max(heardAtMs ?? 0, connection.sinceMs);
  return nowMs - heard > silenceMs ? 'NotReady' : 'Ready';
}

/** Under way, or ended so lately that it is still worth a line. */
export const isShown = ({ endedAtMs }: MigrationState, nowMs: number): boolean =>
  endedAtMs === undefined || nowMs - endedAtMs < 15_000;

export const isRunning = ({ endedAtMs }: MigrationState): boolean => endedAtMs === undefined;
