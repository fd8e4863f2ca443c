// Writing to a stream no faster than its reader reads.
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export async function write(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  if (!stream.write(chunk)) await once(stream, 'drain');
}
