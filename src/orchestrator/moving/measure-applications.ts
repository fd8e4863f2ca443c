// How much memory the applications of one host use, as the host itself measures it.
import { subscribeEvents } from '../../broker/events.ts';
import type { OrchestratorContext } from '../context.ts';

/** A host measures itself every two seconds, and twice after its start before it tells. */
const patienceMs = 7000;

/** Application -> bytes; undefined where the host has not told in time. */
export async function measureApplications(
  { connection }: OrchestratorContext,
  host: string,
): Promise<Map<string, number> | undefined> {
  const subscription = await subscribeEvents(connection, { types: ['host.measured'], hosts: [host] });
  const timer = setTimeout(() => void subscription.close(), patienceMs);
  try {
    for await (const event of subscription) {
      if (event.type !== 'host.measured') continue;
      const used = new Map<string, number>();
      for (const { application, memoryBytes } of event.data.containers)
        used.set(application, (used.get(application) ?? 0) + memoryBytes);
      return used;
    }
    return undefined;
  } finally {
    clearTimeout(timer);
    await subscription.close();
  }
}
