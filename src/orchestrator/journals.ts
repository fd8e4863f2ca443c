// One migration from the journals of its two hosts.
import type { Migration } from '../contract/migration.ts';

/** Each migration once: the source's journal, completed by what only the destination's knows. */
export function mergeJournals(journals: readonly Migration[]): Migration[] {
  return [...Map.groupBy(journals, (journal) => journal.metadata.name).values()].map((both) => {
    const source = both.find(({ status }) => status.role === 'source');
    const destination = both.find(({ status }) => status.role === 'destination');
    if (!source || !destination) return both[0]!;
    const { outcome, error, endedAt } = destination.status;
    return {
      ...source,
      status: {
        ...(outcome ? { outcome } : {}),
        ...(error ? { error } : {}),
        ...(endedAt ? { endedAt } : {}),
        ...source.status,
        phases: { ...destination.status.phases, ...source.status.phases },
      },
    };
  });
}
