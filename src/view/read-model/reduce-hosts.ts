// What is known of hosts: by every sign of them, by what they say of themselves, and by what they answer.
import type { Event } from '../../contract/events.ts';
import type { Host, HostRecord } from '../../contract/host.ts';
import { apiVersion } from '../../contract/protocol.ts';
import { changeable, type Draft } from './draft.ts';
import type { HostState } from './read-model.ts';

type Hosts = ReadonlyMap<string, HostState>;

const samplesKept = 60;

/** Whatever a host says, it is there; and some of it is about itself. */
export function afterSign(hosts: Hosts, event: Event, nowMs: number, draft: Draft): Hosts {
  const before = hosts.get(event.host) ?? newHost(event.host);
  const record = event.type === 'host.heard' ? event.data.host : undefined;
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
  return changeable(hosts, draft).set(event.host, after);
}

/**
 * All hosts that the answers name.
 * @param asked whether they were asked to describe themselves
 */
export function mergeHosts(
  known: Hosts,
  hosts: readonly Host[],
  { silent, asked, nowMs }: { silent: ReadonlySet<string>; asked: boolean; nowMs: number },
): Hosts {
  return new Map(
    hosts.map((host): [string, HostState] => {
      const { name } = host.metadata;
      const before = known.get(name);
      if (silent.has(name)) return [name, silentHost(before, host)];
      return [name, asked ? answeringHost(before, host, nowMs) : presentHost(before, host, nowMs)];
    }),
  );
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

function answeringHost(before: HostState | undefined, host: Host, nowMs: number): HostState {
  const { samples = [], containers = new Map(), measured = false } = before ?? {};
  const { statistics } = host.status;
  const first = samples.length === 0 && statistics ? [statistics] : samples;
  return { host, described: true, heardAtMs: nowMs, silent: false, measured, samples: first, containers };
}

/** It answers, but was not asked what it is. */
const presentHost = (before: HostState | undefined, host: Host, nowMs: number): HostState => ({
  ...(before?.described ? before : { ...newHost(host.metadata.name), ...before, host }),
  heardAtMs: nowMs,
  silent: false,
});

/** Its peers know less of it than it has told itself before. */
function silentHost(before: HostState | undefined, host: Host): HostState {
  const state = before ?? newHost(host.metadata.name);
  const lastSeenMs = host.status.lastSeen === undefined ? Number.NaN : Date.parse(host.status.lastSeen);
  const heardAtMs = state.heardAtMs ?? (Number.isNaN(lastSeenMs) ? undefined : lastSeenMs);
  return {
    ...state,
    host: state.described ? { ...host, status: { ...state.host.status, ...host.status } } : host,
    ...(heardAtMs === undefined ? {} : { heardAtMs }),
    silent: true,
  };
}
