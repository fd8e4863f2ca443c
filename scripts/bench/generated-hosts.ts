// Runs as a program of its own: behaves towards the broker as so many agents do, on a few connections. Each host has five
// applications of two containers, answers what is asked of agents, and tells two things a second: its figures, and how
// one of its applications is.
// usage: node generated-hosts.ts URL CREDENTIALS-FILE HOSTS
import { readFile } from 'node:fs/promises';
import { type BrokerConnection, connectBroker } from '../../src/broker/connection.ts';
import { EventPublisher } from '../../src/broker/event-publisher.ts';
import { type Handlers, serveRpc } from '../../src/broker/rpc-server.ts';
import type { Application, ContainerStatus } from '../../src/contract/application.ts';
import type { ContainerStatistics, Host, HostStatistics, KnownHost } from '../../src/contract/host.ts';
import { apiVersion, protocolVersion } from '../../src/contract/protocol.ts';

const applicationsEach = 5;
const containerNames = ['db', 'web'] as const;
const everyMs = 1000;
const hostsPerConnection = 50;
const startedAt = new Date().toISOString();

const [url = '', credentialsFile = '', count = '200'] = process.argv.slice(2);
const [user = '', password = ''] = (await readFile(credentialsFile, 'utf8')).trim().split(':');

const names = Array.from(
  { length: Number(count) },
  (_, index) => `host-${String(index + 1).padStart(3, '0')}`,
);
const addressOf = (index: number): string => `10.30.${Math.floor(index / 200)}.${(index % 200) + 10}`;
const spread = (most: number): number => Math.random() * most;

const knownHosts = (): KnownHost[] =>
  names.map((name, index) => ({
    name,
    address: addressOf(index),
    sshPort: 22,
    sshHostKey: 'ssh-ed25519 AAAA',
    transferKey: 'ssh-ed25519 AAAA',
    labels: { zone: `zone-${index % 4}` },
    protocolVersion,
    version: 1,
    lastSeen: new Date().toISOString(),
  }));

const figures = (): HostStatistics => ({
  cpu: spread(1),
  memoryUsedBytes: Math.round(spread(16 * 2 ** 30)),
  receivedBytesPerSecond: spread(1e7),
  sentBytesPerSecond: spread(1e7),
});

const hostAt = (index: number): Host => ({
  apiVersion,
  kind: 'Host',
  metadata: { name: names[index]!, labels: { zone: `zone-${index % 4}` } },
  spec: { address: addressOf(index), sshPort: 22 },
  status: {
    condition: 'Ready',
    agentVersion: '0.1.0',
    protocolVersion,
    startedAt,
    operatingSystem: 'Debian GNU/Linux 13',
    kernel: '6.12.1-cloud-amd64',
    architecture: 'x64',
    criu: '4.2.1',
    runc: '1.3.6',
    cgroupVersion: 2,
    cores: 8,
    memoryBytes: 16 * 2 ** 30,
    memoryAvailableBytes: 8 * 2 ** 30,
    diskBytes: 2 ** 40,
    diskAvailableBytes: 2 ** 39,
    applications: applicationsEach,
    statistics: figures(),
  },
});

function applicationAt(host: number, number: number): Application {
  const name = `app-${host + 1}-${number + 1}`;
  return {
    apiVersion,
    kind: 'Application',
    metadata: { name, labels: { tier: number % 2 ? 'web' : 'data' } },
    spec: {
      host: names[host]!,
      containers: containerNames.map((container) => ({
        name: container,
        image: `dir:/images/${container}`,
        command: [container],
      })),
    },
    status: {
      host: names[host]!,
      phase: 'Running',
      epoch: 1,
      address: `10.31.${host}.${number + 10}`,
      mac: '02:00:00:00:00:01',
      containers: containerNames.map(
        (container): ContainerStatus => ({
          name: container,
          image: `sha256:${'0'.repeat(64)}`,
          state: 'Running',
          ready: true,
          restarts: 0,
          startedAt,
        }),
      ),
      createdAt: startedAt,
    },
  };
}

async function beHost(connection: BrokerConnection, index: number): Promise<void> {
  const host = names[index]!;
  const applications = Array.from({ length: applicationsEach }, (_, number) => applicationAt(index, number));
  const events = new EventPublisher(connection, host);
  const handlers: Partial<Handlers> = {
    'agent.describe': async () => hostAt(index),
    'host.list': async () => ({ hosts: knownHosts() }),
    'application.list': async () => ({ applications }),
    'migration.list': async () => ({ migrations: [] }),
  };
  await serveRpc(connection, { host, events, handlers: handlers as Handlers });
  let turn = 0;
  const measure = (): void => {
    const containers = applications.flatMap(({ metadata }) =>
      containerNames.map(
        (container): ContainerStatistics => ({
          application: metadata.name,
          container,
          cpu: spread(1),
          memoryBytes: Math.round(spread(2 ** 30)),
          pids: 3,
        }),
      ),
    );
    events.publish('host.measured', { statistics: figures(), containers });
  };
  const change = (): void => {
    const { metadata, status } = applications[turn++ % applicationsEach]!;
    status.containers[0]!.restarts += turn % 20 === 0 ? 1 : 0;
    events.publish('application.changed', { application: metadata.name, status });
  };
  // Not all of them in one moment.
  setTimeout(() => setInterval(measure, everyMs), spread(everyMs));
  setTimeout(() => setInterval(change, everyMs), spread(everyMs));
}

for (let first = 0; first < names.length; first += hostsPerConnection) {
  const connection = await connectBroker({
    ...{ url, credentials: { user, password }, name: 'generated hosts' },
    insecure: true,
  });
  for (const index of names.slice(first, first + hostsPerConnection).keys())
    await beHost(connection, first + index);
}
console.log('ready');
