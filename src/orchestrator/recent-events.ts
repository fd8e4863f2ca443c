// What has happened lately, from the stream that the broker keeps.
import { subscribeEvents } from '../broker/events.ts';
import type { Event } from '../contract/events.ts';
import type { OrchestratorContext } from './context.ts';

export interface RecentEventsOptions {
  /** Which ones; all if absent. */
  matches?: (event: Event) => boolean;
  /** How far back, in milliseconds; a day if absent. */
  reachMs?: number;
  /** The newest so many; 20 if absent. */
  limit?: number;
}

const dayMs = 86_400_000;
const patienceMs = 10_000;

/** The kept events, oldest first; fewer where the broker takes too long to hand them out. */
export async function readRecentEvents(
  { connection }: OrchestratorContext,
  { matches = () => true, reachMs = dayMs, limit = 20 }: RecentEventsOptions = {},
): Promise<Event[]> {
  const subscription = await subscribeEvents(connection, { since: new Date(Date.now() - reachMs) });
  const found: Event[] = [];
  const reading = (async () => {
    for await (const event of subscription) if (matches(event)) found.push(event);
  })();
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([subscription.caughtUp, reading, patience]);
  clearTimeout(timer);
  await subscription.close();
  await reading;
  return found.slice(-limit);
}
