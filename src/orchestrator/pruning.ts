// Has hosts remove the images that no application uses.
import type { Result } from '../contract/methods.ts';
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import { findReadyHost, readInventory } from './inventory.ts';
import { pruneImageCache } from './oci/image-cache.ts';

export interface PrunedHost extends Result<'image.prune'> {
  host: string;
}

export interface PruneResult {
  hosts: PrunedHost[];
  /** What was fetched to this machine and no application uses any more. */
  here: { images: number; bytes: number };
  /** Hosts that could not be asked or did not get through; the others are done all the same. */
  failures: CmigError[];
}

/** Removing many files takes its time. */
const pruneMs = 15 * 60_000;

/**
 * @param names of hosts; all that answer if there are none
 * @throws CmigError `not-found`, `unreachable` where a host is named that is not there
 */
export async function pruneImages(
  context: OrchestratorContext,
  names: readonly string[],
  dryRun: boolean,
): Promise<PruneResult> {
  const inventory = await readInventory(context, { parts: ['hosts', 'applications'] });
  const chosen = names.length > 0 ? names.map((name) => findReadyHost(inventory, name)) : inventory.hosts;
  const failures: CmigError[] = [];
  const hosts = await Promise.all(
    chosen.map(async ({ metadata: { name } }) => {
      try {
        findReadyHost(inventory, name);
        const pruned = await context.rpc.callLong(name, 'image.prune', { dryRun }, { timeoutMs: pruneMs });
        return [{ host: name, ...pruned }];
      } catch (error) {
        if (!(error instanceof CmigError)) throw error;
        failures.push(error);
        return [];
      }
    }),
  );
  const used = new Set(
    inventory.applications.flatMap(({ status }) => status.containers.map(({ image }) => image)),
  );
  // Where a host is named, it is that host which lacks room, not this machine.
  const here = names.length > 0 ? { images: 0, bytes: 0 } : await pruneImageCache(used, dryRun);
  return { hosts: hosts.flat(), here, failures };
}
