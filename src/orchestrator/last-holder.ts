// Where applications were last, by what the broker has kept: for when hosts cannot be asked.
import type { Event } from '../contract/events.ts';
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import type { Inventory } from './inventory.ts';
import { readRecentEvents } from './recent-events.ts';

const weekMs = 7 * 86_400_000;

/** An application that a host has which does not answer, as far as is known. */
export interface AwayApplication {
  name: string;
  host: string;
  address?: string;
}

/** Those that the hosts have which did not answer; nothing is asked where all have. */
export async function applicationsAway(
  context: OrchestratorContext,
  { unreachable }: Pick<Inventory, 'unreachable'>,
): Promise<AwayApplication[]> {
  if (unreachable.length === 0) return [];
  const events = await readRecentEvents(context, {
    matches: ({ data }) => 'application' in data,
    reachMs: weekMs,
    limit: Number.POSITIVE_INFINITY,
  });
  return lastPlaces(events).filter(({ host }) => unreachable.includes(host));
}

/**
 * A name is free only where no host that does not answer is known to have it.
 * @throws CmigError `conflict`
 */
export function requireNameFree(away: readonly AwayApplication[], application: string): void {
  const holder = away.find(({ name }) => name === application)?.host;
  if (holder === undefined) return;
  throw new CmigError('conflict', `application ${application} was last on ${holder}, which does not answer`, {
    hint: `bring ${holder} back, for it would be in two places; if ${holder} is lost for good: cmig host remove ${holder} --lost`,
  });
}

/** Where each was last, by these events, oldest first; without those that were deleted. */
export function lastPlaces(events: readonly Event[]): AwayApplication[] {
  const last = new Map<string, AwayApplication>();
  for (const event of events) {
    const put = (name: string, host: string, address = last.get(name)?.address): void =>
      void last.set(name, { name, host, ...(address ? { address } : {}) });
    if (event.type === 'application.deployed') put(event.data.application, event.host, event.data.address);
    if (event.type === 'migration.committed') put(event.data.application, event.data.to);
    if (event.type === 'checkpoint.restored') put(event.data.application, event.host);
    if (event.type === 'application.deleted' && last.get(event.data.application)?.host === event.host)
      last.delete(event.data.application);
  }
  return [...last.values()];
}
