// The difference of two texts, line by line, as `diff -u` prints it.

interface Edit {
  mark: ' ' | '-' | '+';
  line: string;
}

const contextLines = 3;

/** The unified difference of two texts; the empty text where they are equal. */
export function diffLines(before: string, after: string, names: { before: string; after: string }): string {
  const edits = edit(linesOf(before), linesOf(after));
  if (edits.every(({ mark }) => mark === ' ')) return '';
  const near = edits.map((_, index) =>
    edits.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ mark }) => mark !== ' '),
  );
  const lines = [`--- ${names.before}`, `+++ ${names.after}`];
  let [oldLine, newLine] = [1, 1];
  for (let index = 0; index < edits.length; ) {
    if (!near[index]) {
      // Far from any change both sides are equal.
      oldLine += 1;
      newLine += 1;
      index += 1;
      continue;
    }
    let end = index;
    while (end < edits.length && near[end]) end += 1;
    const hunk = edits.slice(index, end);
    const removed = hunk.filter(({ mark }) => mark !== '+').length;
    const added = hunk.filter(({ mark }) => mark !== '-').length;
    // By convention an empty side is said to stand after the line before it.
    const oldStart = removed === 0 ? oldLine - 1 : oldLine;
    const newStart = added === 0 ? newLine - 1 : newLine;
    lines.push(`@@ -${oldStart},${removed} +${newStart},${added} @@`);
    lines.push(...hunk.map(({ mark, line }) => `${mark}${line}`));
    oldLine += removed;
    newLine += added;
    index = end;
  }
  return `${lines.join('\n')}\n`;
}

const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** The shortest edit, by the longest common subsequence; manifests are short, so a full table is affordable. */
function edit(before: readonly string[], after: readonly string[]): Edit[] {
  const common = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i]![j] =
        before[i] === after[j]
          ? common[i + 1]![j + 1]! + 1
          : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push({ mark: ' ', line: before[i]! });
      i += 1;
      j += 1;
    } else if (i < before.length && (j === after.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      edits.push({ mark: '-', line: before[i]! });
      i += 1;
    } else {
      edits.push({ mark: '+', line: after[j]! });
      j += 1;
    }
  }
  return edits;
}
