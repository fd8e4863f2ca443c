// Where an application was last, by what the broker has kept: for when hosts cannot be asked.
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import type { Inventory } from './inventory.ts';
import { readRecentEvents } from './recent-events.ts';

const weekMs = 7 * 86_400_000;

/**
 * A name is free only where no host that does not answer is known to have it.
 * @throws CmigError `conflict`
 */
export async function requireNameFree(
  context: OrchestratorContext,
  inventory: Inventory,
  application: string,
): Promise<void> {
  if (inventory.unreachable.length === 0) return;
  const holder = await lastHolder(context, application);
  if (holder === undefined || !inventory.unreachable.includes(holder)) return;
  throw new CmigError('conflict', `application ${application} was last on ${holder}, which does not answer`, {
    hint: `bring ${holder} back, for it would be in two places; if ${holder} is lost for good: cmig host remove ${holder} --lost`,
  });
}

/** The host that last had the application, as far as is known; undefined where none has it, or none is known. */
async function lastHolder(context: OrchestratorContext, application: string): Promise<string | undefined> {
  const events = await readRecentEvents(context, {
    matches: ({ data }) => 'application' in data && data.application === application,
    reachMs: weekMs,
    limit: Number.POSITIVE_INFINITY,
  });
  let holder: string | undefined;
  for (const event of events) {
    if (event.type === 'application.deployed') holder = event.host;
    if (event.type === 'checkpoint.restored') holder = event.host;
    if (event.type === 'migration.committed') holder = event.data.to;
    if (event.type === 'application.deleted' && event.host === holder) holder = undefined;
  }
  return holder;
}
