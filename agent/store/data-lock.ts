// Keeps a second agent away from the same data: a name of the kernel's, which goes with the process, however it ends.
import { mkdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { CmigError } from '../../src/core/errors.ts';

/**
 * Claims the data directory for this process.
 * @throws CmigError `conflict` where another agent has it
 */
export async function claimDataDirectory(directory: string): Promise<{ release(): void }> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { dev, ino } = await stat(directory);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`\0cmig-agent-${dev}-${ino}`, resolve);
  }).catch((cause) => {
    if (cause.code !== 'EADDRINUSE') throw cause;
    throw new CmigError('conflict', `another agent works with ${directory} already`, {
      hint: 'one agent serves a host: stop the other one, or give this one its own dataDirectory',
      cause,
    });
  });
  server.unref();
  return { release: () => void server.close() };
}
