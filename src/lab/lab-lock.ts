// Keeps two commands on one lab apart. The lock is an abstract socket: it goes with the process, however that ends.
import { createConnection, createServer, type Server } from 'node:net';
import { CmigError } from '../core/errors.ts';
import { waitFor } from '../core/retry.ts';

export interface LabLock {
  release(): Promise<void>;
}

/**
 * Waits for the lock called `key`.
 * @throws CmigError `conflict` that names the process which holds it, where the wait was in vain.
 */
export async function acquireLabLock(
  key: string,
  { timeoutMs = 120_000, onWait }: { timeoutMs?: number; onWait?: (holder: string) => void } = {},
): Promise<LabLock> {
  const path = `\0cmig-lab/${key}`;
  let waited = false;
  const server = await waitFor(
    async () => {
      const mine = await listen(path);
      if (mine) return mine;
      if (!waited) onWait?.(await askHolder(path));
      waited = true;
      return undefined;
    },
    { timeoutMs, intervalMs: 100, what: 'the end of another lab command' },
  ).catch(async (cause) => {
    throw new CmigError('conflict', `another command (${await askHolder(path)}) works on ${key}`, {
      hint: 'wait for its end, or end it',
      cause,
    });
  });
  return { release: () => new Promise((done) => server.close(() => done())) };
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`pid ${process.pid}`);
    });
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => resolve(server));
    server.unref();
  });
}

function askHolder(path: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = createConnection(path);
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer || 'pid unknown'));
  });
}
