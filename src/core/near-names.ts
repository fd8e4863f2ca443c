// Names that a misspelt one may have meant.

/** Edits between two words, where swapping two neighbours is one (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** Names have 63 characters at most. */
const longest = 64;
/** Comparing takes its time, and among so many nobody looks for a slip of a key. */
const candidatesAtMost = 500;

/** The candidates that `word` resembles, nearest first, three at most; a third of its letters may differ. */
export function nearNames(word: string, candidates: Iterable<string>): string[] {
  const typed = word.slice(0, longest).toLowerCase();
  const allowed = Math.max(1, Math.floor(typed.length / 3));
  const begins = (known: string): boolean => typed.length >= 2 && known.startsWith(typed);
  return [...new Set(candidates)]
    .map((name) => ({ name, known: name.toLowerCase() }))
    .filter(({ known }) => begins(known) || Math.abs(known.length - typed.length) <= allowed)
    .slice(0, candidatesAtMost)
    .map(({ name, known }) => ({ name, distance: begins(known) ? 0.5 : editDistance(typed, known) }))
    .filter(({ name, distance }) => distance <= allowed && distance < name.length)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `did you mean "a" or "b"?`, or undefined where nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const near = nearNames(word, candidates).map((name) => `"${name}"`);
  if (near.length === 0) return undefined;
  return `did you mean ${near.length === 1 ? near[0] : `${near.slice(0, -1).join(', ')} or ${near.at(-1)}`}?`;
}
