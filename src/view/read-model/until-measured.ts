// Waits for the first figures: a host measures itself every two seconds, a busy one later.

import { hostCondition } from './conditions.ts';
import type { LiveModel } from './live-model.ts';

const patienceMs = 10_000;

/** Settles when every host that is there has told its figures since the feed began, or after 10 s. */
export async function untilMeasured(feed: Pick<LiveModel, 'state' | 'subscribe' | 'past'>): Promise<void> {
  const isDone = (): boolean =>
    [...feed.state.hosts.values()].every(
      (host) => host.measured || hostCondition(host, feed.state, Date.now()) !== 'Ready',
    );
  let stop = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  const all = new Promise<void>((resolve) => {
    const check = (): void => {
      if (isDone()) resolve();
    };
    stop = feed.subscribe(check);
    timer = setTimeout(resolve, patienceMs);
    check();
  });
  await Promise.all([all, Promise.race([feed.past, all])]);
  clearTimeout(timer);
  stop();
}
