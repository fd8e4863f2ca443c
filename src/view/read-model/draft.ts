// For much news in a row: what was made of earlier news of the same row, and has been seen by nobody, is changed in place.

/** The maps that may still be changed. */
export type Draft = Set<unknown>;

/** The map in which it may be changed: itself where it is of this row of news, or else a copy. */
export function changeable<V>(map: ReadonlyMap<string, V>, draft: Draft): Map<string, V> {
  if (draft.has(map)) return map as Map<string, V>;
  const copy = new Map(map);
  draft.add(copy);
  return copy;
}
