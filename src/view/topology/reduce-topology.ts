// The one reducer of the live screens: what is known, and what is learnt, give what is known then.
import type { Application, ApplicationStatus } from '../../contract/application.ts';
import { type Event, events } from '../../contract/events.ts';
import type { Host, HostRecord } from '../../contract/host.ts';
import { apiVersion } from '../../contract/protocol.ts';
import type { Inventory } from '../../orchestrator/inventory.ts';
import { mergeInventory } from './merge-inventory.ts';
import { migrationPrepared, reduceMigrationEvent } from './reduce-migrations.ts';
import { type HostState, silenceMs, type TopologyState } from './topology-state.ts';

export type TopologyNews =
  | { type: 'inventory'; inventory: Inventory }
  | { type: 'event'; event: Event }
  /** Kept events of before. */
  | { type: 'past'; events: readonly Event[] }
  | { type: 'connection'; connected: boolean }
  | { type: 'problem'; message: string };

/** The maps that may still be changed. */
export type Draft = Set<unknown>;

/** The map in which it may be changed: itself where it is of this row of news, or else a copy. */
function changeable<V>(map: ReadonlyMap<string, V>, draft: Draft): Map<string, V> {
  if (draft.has(map)) return map as Map<string, V>;
  const copy = new Map(map);
  draft.add(copy);
  return copy;
}

const samplesKept = 60;
const eventsKept = 200;

/**
 * The state after the news. `draft` is for much news in a row: what was made of earlier news of the same row, and has been
 * seen by nobody, is changed in place; of many hosts a new map for every word of one of them would be most of the work.
 */
export function reduceTopology(
  state: TopologyState,
  news: TopologyNews,
  nowMs: number,
  draft: Draft = new Set(),
): TopologyState {
  switch (news.type) {
    case 'inventory':
      return mergeInventory(state, news.inventory, nowMs);
    case 'event':
      return afterEvent(state, news.event, nowMs, draft);
    case 'past': {
      const known = new Set(state.events.map(({ id }) => id));
      const earlier = news.events.filter(({ id }) => !known.has(id));
      const all = [...earlier, ...state.events].sort((a, b) => (a.time < b.time ? -1 : 1));
      return { ...state, events: all.slice(-eventsKept) };
    }
    case 'connection':
      if (news.connected === state.connection.connected) return state;
      return { ...state, connection: { connected: news.connected, sinceMs: nowMs } };
    case 'problem':
      return { ...state, problem: news.message };
  }
}

/** Whether this event tells of something of which only the hosts themselves know the rest. */
export function asksForInventory(state: TopologyState, { type, host, data }: Event, nowMs: number): boolean {
  if (type === 'agent.started') return true;
  const known = state.hosts.get(host);
  // One that was away may have other applications than before.
  if (!known?.described || known.silent || nowMs - (known.heardAtMs ?? 0) > silenceMs) return true;
  if (type !== 'application.changed' && type !== 'application.deployed') return false;
  const application = state.applications.get(data.application);
  return application === undefined || isProvisional(application);
}

function afterEvent(state: TopologyState, event: Event, nowMs: number, draft: Draft): TopologyState {
  const heard = afterSign(state, event, nowMs, draft);
  const kept = 'stat' in events[event.type] ? heard : { ...heard, events: append(heard.events, event) };
  const migrations = reduceMigrationEvent(kept.migrations, event, nowMs);
  const moved = migrations === kept.migrations ? kept : { ...kept, migrations };
  switch (event.type) {
    case 'application.changed':
      return afterStatus(moved, event.data.application, event.data.status as ApplicationStatus, nowMs, draft);
    case 'application.deleted': {
      const { application } = event.data;
      if (moved.applications.get(application)?.status.host !== event.host) return moved;
      const applications = changeable(moved.applications, draft);
      applications.delete(application);
      return { ...moved, applications };
    }
    default:
      return moved;
  }
}

const append = (all: readonly Event[], event: Event): readonly Event[] =>
  all.some(({ id }) => id === event.id) ? all : [...all.slice(-(eventsKept - 1)), event];

/** Whatever a host says, it is there; and some of it is about itself. */
function afterSign(state: TopologyState, event: Event, nowMs: number, draft: Draft): TopologyState {
  const known = state.hosts.get(event.host);
  const record = event.type === 'host.heard' ? event.data.host : undefined;
  const before = known ?? newHost(event.host);
  const after: HostState = {
    ...before,
    ...(record ? { host: withRecord(before.host, record) } : {}),
    ...(event.type === 'host.cordoned' ? { host: withCordon(before.host, true) } : {}),
    ...(event.type === 'host.uncordoned' ? { host: withCordon(before.host, false) } : {}),
    heardAtMs: nowMs,
    silent: event.type === 'agent.stopped',
    ...(event.type === 'host.measured'
      ? {
          measured: true,
          samples: [...before.samples.slice(-(samplesKept - 1)), event.data.statistics],
          containers: new Map(
            event.data.containers.map((each) => [`${each.application}/${each.container}`, each]),
          ),
        }
      : {}),
  };
  return { ...state, hosts: changeable(state.hosts, draft).set(event.host, after) };
}

const newHost = (name: string): HostState => ({
  host: {
    apiVersion,
    kind: 'Host',
    metadata: { name, labels: {} },
    spec: { address: '', sshPort: 22 },
    status: { condition: 'Ready' },
  },
  described: false,
  silent: false,
  measured: false,
  samples: [],
  containers: new Map(),
});

const withRecord = (host: Host, { address, sshPort, labels, unschedulable }: HostRecord): Host => ({
  ...host,
  metadata: { ...host.metadata, labels },
  spec: { address, sshPort, ...(unschedulable ? { unschedulable } : {}) },
});

function withCordon(host: Host, unschedulable: boolean): Host {
  const { unschedulable: _, ...spec } = host.spec;
  return { ...host, spec: unschedulable ? { ...spec, unschedulable } : spec };
}

function afterStatus(
  state: TopologyState,
  name: string,
  status: ApplicationStatus,
  nowMs: number,
  draft: Draft,
) {
  const before = state.applications.get(name);
  const elsewhere = before !== undefined && before.status.host !== status.host;
  if (status.phase === 'Incoming') {
    const { migration } = status;
    if (!elsewhere || !migration) return state;
    const prepared = { id: migration, application: name, from: before.status.host, to: status.host };
    return { ...state, migrations: migrationPrepared(state.migrations, prepared, nowMs) };
  }
  // A source that has let go does not speak for it.
  if (before && (status.epoch < before.status.epoch || (elsewhere && status.epoch === before.status.epoch)))
    return state;
  const after = before ? { ...before, status } : provisional(name, status);
  return { ...state, applications: changeable(state.applications, draft).set(name, after) };
}

/** What a status alone tells of an application; its labels and the rest are asked for. */
const provisional = (name: string, status: ApplicationStatus): Application => ({
  apiVersion,
  kind: 'Application',
  metadata: { name },
  spec: { host: status.host, containers: [] },
  status,
});

const isProvisional = ({ spec }: Application): boolean => spec.containers.length === 0;
