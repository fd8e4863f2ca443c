// One migration from the journals of its two hosts.
import type { HistoryEntry, Migration } from '../contract/migration.ts';

/** Each migration once: the source's journal, completed by what only the destination's knows. */
export function mergeJournals(journals: readonly Migration[]): Migration[] {
  return [...Map.groupBy(journals, (journal) => journal.metadata.name).values()].map((both) => {
    const source = both.find(({ status }) => status.role === 'source');
    const destination = both.find(({ status }) => status.role === 'destination');
    const asked = [source, destination].flatMap((journal) => (journal ? [journal.status.host] : []));
    if (!source || !destination) {
      const [one] = both as [Migration];
      return { ...one, status: { ...one.status, journals: asked } };
    }
    const { outcome, error, endedAt, resolved, awaits, awaitsUntil, resolvableFrom } = destination.status;
    const waits = { awaits, awaitsUntil, resolvableFrom };
    return {
      ...source,
      status: {
        ...defined({ outcome, error, endedAt, resolved }),
        // What the one waits for is in one sentence with until when.
        ...(source.status.awaits ? {} : defined(waits)),
        ...source.status,
        // Of the two the one that tells what failed, and not the one that was only told to turn back.
        ...(source.status.error?.code === 'cancelled' && error ? { error } : {}),
        phases: { ...destination.status.phases, ...source.status.phases },
        history: [...(source.status.history ?? []), ...(destination.status.history ?? [])].sort(byTime),
        journals: asked,
      },
    };
  });
}

const defined = <T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;

/** By two clocks: good enough to be read, and for nothing else. */
const byTime = (a: HistoryEntry, b: HistoryEntry): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
