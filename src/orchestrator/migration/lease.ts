// Tells both agents, while the orchestrator lives, that it does.
import type { RpcClient } from '../../broker/rpc-client.ts';

export interface Lease {
  stop(): void;
}

/** Renews three times a lease. A renewal that fails is not repeated at once: the next one follows. */
export function keepLease(
  rpc: RpcClient,
  hosts: readonly string[],
  migration: string,
  leaseMs: number,
): Lease {
  const timer = setInterval(() => {
    for (const host of hosts) {
      rpc.call(host, 'migration.renew', { migration }, { timeoutMs: leaseMs / 3 }).catch(() => {});
    }
  }, leaseMs / 3);
  return { stop: () => clearInterval(timer) };
}
