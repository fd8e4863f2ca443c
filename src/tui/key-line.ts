// The keys that count just now, in one line.
import { clipLine, type Line, lineWidth, span } from '../view/spans.ts';

/** A key and what it does; the first ones are left out first where the screen is narrow. */
export type KeyHint = readonly [key: string, does: string];

export function keyLine(hints: readonly KeyHint[], width: number, cut: string): Line {
  const between = ['  ', ' '];
  for (let from = 0; from < hints.length; from += 1) {
    for (const gap of between) {
      const line = hints
        .slice(from)
        .flatMap(([key, does], index) => [
          span(index > 0 ? gap : ''),
          span(key, 'accent', { bold: true }),
          span(` ${does}`),
        ]);
      if (lineWidth(line) <= width) return line;
    }
  }
  return clipLine(hints.at(-1)?.flatMap(([key, does]) => [span(`${key} ${does}`)]) ?? [], width, cut);
}
