// What the hosts answered, taken into what is known: what a silent host had is not gone, only unknown.
import type { Inventory } from '../../orchestrator/inventory.ts';
import { mergeJournalled } from './reduce-migrations.ts';
import type { HostState, TopologyState } from './topology-state.ts';

export function mergeInventory(state: TopologyState, inventory: Inventory, nowMs: number): TopologyState {
  const { problem: _, ...rest } = state;
  const silent = new Set(inventory.unreachable);
  const hosts = new Map(
    inventory.hosts.map((host): [string, HostState] => {
      const { name } = host.metadata;
      return [name, hostAfter(state.hosts.get(name), host, silent.has(name), nowMs)];
    }),
  );
  const kept = [...state.applications.values()].filter(({ status }) => silent.has(status.host));
  const applications = new Map(
    [...kept, ...inventory.applications].map((application) => [application.metadata.name, application]),
  );
  return {
    ...rest,
    complete: true,
    hosts,
    applications,
    migrations: mergeJournalled(state.migrations, inventory.migrations, nowMs),
    warnings: inventory.warnings,
  };
}

function hostAfter(
  before: HostState | undefined,
  host: HostState['host'],
  silent: boolean,
  nowMs: number,
): HostState {
  const { samples = [], containers = new Map(), measured = false } = before ?? {};
  if (!silent) {
    const { statistics } = host.status;
    const first = samples.length === 0 && statistics ? [statistics] : samples;
    return { host, described: true, heardAtMs: nowMs, silent: false, measured, samples: first, containers };
  }
  const lastSeenMs = host.status.lastSeen === undefined ? Number.NaN : Date.parse(host.status.lastSeen);
  const heardAtMs = before?.heardAtMs ?? (Number.isNaN(lastSeenMs) ? undefined : lastSeenMs);
  // Its peers know less of it than it has told itself before.
  const known = before?.described ? { ...host, status: { ...before.host.status, ...host.status } } : host;
  return {
    host: known,
    described: before?.described ?? false,
    ...(heardAtMs === undefined ? {} : { heardAtMs }),
    silent: true,
    measured,
    samples,
    containers,
  };
}
