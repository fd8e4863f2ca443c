// Follows what exists, one change after the other, by the differences of a model that is kept up to date.
import { AsyncQueue } from '../../broker/async-queue.ts';
import type { OrchestratorContext } from '../../orchestrator/context.ts';
import type { InventoryPart } from '../../orchestrator/inventory.ts';
import { LiveModel } from './live-model.ts';
import { emptyModel } from './read-model.ts';
import { type Change, changesBetween } from './resources.ts';

/**
 * First everything that exists, as changes, then every change until the iteration is left. Outlives a loss of the
 * broker where the connection does. @throws CmigError `unreachable` where no agent answers at the start
 */
export async function* liveChanges(
  context: OrchestratorContext,
  parts: readonly InventoryPart[],
): AsyncGenerator<Change> {
  const live = new LiveModel(context, { listing: parts });
  const changes = new AsyncQueue<Change>();
  let told = emptyModel(0);
  live.subscribe(() => {
    for (const change of changesBetween(told, live.state, parts)) changes.push(change);
    told = live.state;
  });
  try {
    await live.start();
    yield* changes;
  } finally {
    await live.close();
  }
}
