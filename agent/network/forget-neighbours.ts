// Addresses that have come to others: in an overlay, where nothing is sent to all, nobody hears of that by ARP.
import { readdir } from 'node:fs/promises';
import { runProcess } from '../../src/core/run-process.ts';
import { namespaceFolder, namespacePrefix } from './namespace-path.ts';

/**
 * This host and its applications ask anew who has these addresses. The kernel would go on for half a minute and longer with
 * what it knows, also of one that is no more.
 */
export async function forgetNeighbours(bridge: string, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return;
  const names = (await readdir(namespaceFolder).catch(() => [])).filter((name) =>
    name.startsWith(namespacePrefix),
  );
  const forget = (namespace: string[], device: string) =>
    runProcess('ip', [...namespace, '-force', '-batch', '-'], {
      // Where there is none, `neigh del` would end all of it.
      input: addresses.map((address) => `neigh flush to ${address} dev ${device} nud all\n`).join(''),
      // A namespace may go meanwhile.
      allowedExitCodes: [0, 1, 255],
    });
  await Promise.all([forget([], bridge), ...names.map((name) => forget(['-n', name], 'eth0'))]);
}
