// Ports of loopback on which nobody listens, each another one.
import { createServer } from 'node:net';

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const listener = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => listener.once('listening', resolve));
      return listener;
    }),
  );
  const ports = servers.map((listener) => (listener.address() as { port: number }).port);
  await Promise.all(servers.map((listener) => new Promise((resolve) => listener.close(resolve))));
  return ports;
}
