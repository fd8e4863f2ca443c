// Waits until the agents of a lab have heard of each other.
import type { RpcClient } from '../broker/rpc-client.ts';
import { waitFor } from '../core/retry.ts';

/** Some rounds of announcements, also on a busy machine: whoever is not heard by then is not waited for. */
const patienceMs = 30_000;

/**
 * An agent answers a moment before it has heard of the others, and a command that asks just this one finds hosts missing.
 * Does not throw: they will hear of each other in any case.
 */
export async function untilAcquainted(rpc: RpcClient, hosts: readonly string[]): Promise<void> {
  const knowsAll = async (host: string): Promise<boolean> => {
    const { hosts: known } = await rpc.call(host, 'host.list', {}, { timeoutMs: 1000 });
    return hosts.every((other) => known.some(({ name }) => name === other));
  };
  const waiting = hosts.map((host) =>
    waitFor(() => knowsAll(host).catch(() => false), {
      timeoutMs: patienceMs,
      intervalMs: 20,
      what: `${host} hearing of the other hosts`,
    }).catch(() => {}),
  );
  await Promise.all(waiting);
}
