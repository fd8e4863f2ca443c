// The output of a program that has ended while something it left behind still holds it open.
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** How long output is waited for in vain once the program itself has ended. */
const quietMs = 500;

interface Child {
  stdout: Readable | null;
  stderr: Readable | null;
  once(event: 'exit', listener: () => void): unknown;
}

/**
 * Lets go of the output where the program has ended (or was killed) and nothing more comes of it, as after `ssh -f` or
 * a shell with a job in the background: whoever waits for the end of the output would wait for them.
 */
export function letGoOfHeldStreams(child: Child): void {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null) as Socket[];
  child.once('exit', () => {
    let before = -1;
    const timer = setInterval(() => {
      const open = streams.filter((stream) => !stream.closed);
      if (open.length === 0) return clearInterval(timer);
      const bytes = streams.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
      // What came and is not yet read will be: its reader is slow.
      const unread = open.some(({ readableLength }) => readableLength > 0);
      if (bytes === before && !unread) for (const stream of open) stream.destroy();
      before = bytes;
    }, quietMs);
    const check = () => streams.every((stream) => stream.closed) && clearInterval(timer);
    for (const stream of streams) stream.once('close', check);
  });
}
