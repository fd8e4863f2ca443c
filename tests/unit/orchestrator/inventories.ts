// Inventories as agents would tell them, for tests.
import type { Application } from '../../../src/contract/application.ts';
import type { Host } from '../../../src/contract/host.ts';
import type { Inventory } from '../../../src/orchestrator/inventory.ts';

export const host = (name: string, status: Partial<Host['status']> = {}): Host => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Host',
  metadata: { name, labels: {} },
  spec: { address: `10.77.0.${name.charCodeAt(name.length - 1) - 95}`, sshPort: 22 },
  status: { condition: 'Ready', applicationNetwork: '10.77.0.0/24', ...status },
});

export const application = (
  name: string,
  status: Partial<Application['status']> = {},
  spec: Partial<Application['spec']> = {},
): Application => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name },
  spec: {
    host: 'host-a',
    containers: [{ name: 'main', image: 'dir:./image', command: ['/bin/server'] }],
    ...spec,
  },
  status: {
    host: 'host-a',
    phase: 'Running',
    epoch: 1,
    address: '10.77.0.10',
    mac: '02:00:0a:4d:00:0a',
    createdAt: '2026-01-01T00:00:00Z',
    containers: [
      { name: 'main', image: `sha256:${'a'.repeat(64)}`, state: 'Running', ready: true, restarts: 0 },
    ],
    ...status,
  },
});

export const inventory = (parts: Partial<Inventory> = {}): Inventory => ({
  hosts: [host('host-a'), host('host-b')],
  applications: [],
  checkpoints: [],
  images: [],
  migrations: [],
  unreachable: [],
  warnings: [],
  ...parts,
});
