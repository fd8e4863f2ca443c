// Ports of loopback on which nobody listens, each another one.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that the kernel gives to connections: such a one might take a port before a server has begun to listen. */
const [lowest, highest] = [12_000, 32_000];

export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = randomInt(lowest, highest - 1000); found.length < count; port += 1)
    if (await isFree(port)) found.push(port);
  return found;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
