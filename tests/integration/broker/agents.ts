// Agents for tests: a real server on a real broker, with the few handlers that a test needs.

import type { BrokerConnection } from '../../../src/broker/connection.ts';
import { type Handlers, type RpcServer, serveRpc } from '../../../src/broker/rpc-server.ts';
import type { Result } from '../../../src/contract/methods.ts';

export const hostResource = (name: string): Result<'agent.describe'> => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Host',
  metadata: { name, labels: {} },
  spec: { address: '192.0.2.1', sshPort: 22 },
  status: { condition: 'Ready' },
});

export const applicationResource = (name: string, host: string): Result<'application.get'> => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Application',
  metadata: { name },
  spec: { host, containers: [{ name: 'web', image: 'dir:/web', command: ['web'] }] },
  status: {
    host,
    phase: 'Running',
    epoch: 1,
    address: '192.0.2.2',
    mac: '02:00:00:00:00:01',
    containers: [],
    createdAt: '2025-01-01T00:00:00Z',
  },
});

/** Methods that are not given answer `unsupported`. */
export function startAgent(
  connection: BrokerConnection,
  host: string,
  handlers: Partial<Handlers> = {},
): Promise<RpcServer> {
  const all = { 'agent.describe': async () => hostResource(host), ...handlers };
  return serveRpc(connection, { host, handlers: all as Handlers });
}

/** A promise, and what settles it. */
export function gate<T = void>(): { passed: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const passed = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
