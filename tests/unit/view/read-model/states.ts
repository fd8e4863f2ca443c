// Hosts, applications and events for the tests of the read model and of what is drawn of it, as agents would report them.
import type { Application, ApplicationStatus } from '../../../../src/contract/application.ts';
import type { Event, EventData, EventType } from '../../../../src/contract/events.ts';
import type { Host } from '../../../../src/contract/host.ts';
import { apiVersion } from '../../../../src/contract/protocol.ts';
import type { Inventory, InventoryPart } from '../../../../src/orchestrator/inventory.ts';
import { emptyModel, type ReadModel } from '../../../../src/view/read-model/read-model.ts';
import { type ModelNews, reduceModel } from '../../../../src/view/read-model/reduce-model.ts';

export const parts: readonly InventoryPart[] = [
  'hosts',
  'applications',
  'checkpoints',
  'images',
  'migrations',
];

/** When all of it is said to happen. */
export const startMs = Date.UTC(2026, 0, 2, 12, 0, 0);

export const hostNamed = (name: string, labels: Record<string, string> = {}): Host => ({
  apiVersion,
  kind: 'Host',
  metadata: { name, labels },
  spec: { address: '10.20.0.2', sshPort: 22 },
  status: {
    condition: 'Ready',
    lastSeen: new Date(startMs).toISOString(),
    agentVersion: '0.1.0',
    kernel: '6.12.1-cloud',
    criu: '4.2.1',
    runc: '1.3.6',
    cores: 4,
    memoryBytes: 8 * 2 ** 30,
  },
});

export const silentHost = (name: string): Host => {
  const { status, ...host } = hostNamed(name);
  return { ...host, status: { condition: 'NotReady', message: 'no answer', lastSeen: status.lastSeen! } };
};

export const statusOn = (host: string, more: Partial<ApplicationStatus> = {}): ApplicationStatus => ({
  host,
  phase: 'Running',
  epoch: 1,
  address: '10.20.1.7',
  mac: '02:00:00:00:00:07',
  containers: [
    { name: 'db', image: 'sha256:1', state: 'Running', ready: true, restarts: 0 },
    { name: 'web', image: 'sha256:2', state: 'Running', ready: true, restarts: 2 },
  ],
  createdAt: new Date(startMs).toISOString(),
  ...more,
});

export const applicationOn = (
  host: string,
  name = 'shop',
  labels: Record<string, string> = { tier: 'demo' },
): Application => ({
  apiVersion,
  kind: 'Application',
  metadata: { name, labels },
  spec: {
    host,
    containers: [
      { name: 'db', image: 'dir:db', command: ['db'] },
      { name: 'web', image: 'dir:web', command: ['web'] },
    ],
  },
  status: statusOn(host),
});

export const inventoryOf = (hosts: Host[], applications: Application[] = []): Inventory => ({
  hosts,
  applications,
  checkpoints: [],
  images: [],
  migrations: [],
  unreachable: hosts
    .filter(({ status }) => status.condition !== 'Ready')
    .map(({ metadata }) => metadata.name),
  warnings: [],
});

let count = 0;
export function eventOf<T extends EventType>(
  type: T,
  host: string,
  data: EventData<T>,
  atMs = startMs,
): Event {
  count += 1;
  return { id: `event-${count}`, type, host, time: new Date(atMs).toISOString(), data } as Event;
}

export const measured = (host: string, cpu = 0.5): Event =>
  eventOf('host.measured', host, {
    statistics: { cpu, memoryUsedBytes: 2 ** 30, receivedBytesPerSecond: 2048, sentBytesPerSecond: 100 },
    containers: [
      { application: 'shop', container: 'db', cpu: 0.25, memoryBytes: 24 * 2 ** 20, pids: 3 },
      { application: 'shop', container: 'web', cpu: 0.01, memoryBytes: 2 ** 20, pids: 1 },
    ],
  });

/** What hosts answer who were asked for everything. */
export const answered = (inventory: Inventory): ModelNews => ({ type: 'inventory', inventory, parts });

export const known = (hosts: Host[], applications: Application[] = []): ReadModel =>
  reduceModel(emptyModel(startMs), answered(inventoryOf(hosts, applications)), startMs);

export const told = (state: ReadModel, ...events: Event[]): ReadModel =>
  events.reduce(
    (before, event) => reduceModel(before, { type: 'event', event }, Date.parse(event.time)),
    state,
  );

/** Two hosts, one of them with an application. */
export const two = (): ReadModel =>
  known([hostNamed('host-a'), hostNamed('host-b')], [applicationOn('host-a')]);

/** What a host says of that application. */
export const changed = (host: string, more: Parameters<typeof statusOn>[1]) =>
  eventOf('application.changed', host, { application: 'shop', status: statusOn(host, more) });
