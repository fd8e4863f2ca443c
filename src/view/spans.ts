// Lines of styled pieces of text: what a screen is made of before anyone paints it.
import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'accent' | 'dim';

export interface Span {
  text: string;
  tone?: Tone;
  bold?: boolean;
  /** Fore- and background change places: what is selected. */
  inverse?: boolean;
}

export type Line = readonly Span[];

export const span = (text: string, tone?: Tone, more: Omit<Span, 'text' | 'tone'> = {}): Span => ({
  text,
  ...(tone ? { tone } : {}),
  ...more,
});

export const plainText = (line: Line): string => line.map(({ text }) => text).join('');

export const lineWidth = (line: Line): number => line.reduce((width, { text }) => width + text.length, 0);

/** The line in exactly `width` columns; what does not fit is cut off, marked by `mark`. */
export function fitLine(line: Line, width: number, mark: string): Line {
  const taken = lineWidth(line);
  if (taken === width) return line;
  if (taken < width) return [...line, span(' '.repeat(width - taken))];
  return clipLine(line, width, mark);
}

/** The line in at most `width` columns. */
export function clipLine(line: Line, width: number, mark: string): Line {
  if (lineWidth(line) <= width) return line;
  const kept: Span[] = [];
  let left = Math.max(0, width - mark.length);
  for (const piece of line) {
    if (left === 0) break;
    const text = piece.text.slice(0, left);
    left -= text.length;
    kept.push({ ...piece, text });
  }
  return width >= mark.length ? [...kept, span(mark)] : kept;
}

/** The first that fits, or the last one cut off. */
export function firstFitting(width: number, mark: string, ...variants: readonly Line[]): Line {
  return variants.find((line) => lineWidth(line) <= width) ?? clipLine(variants.at(-1) ?? [], width, mark);
}

/** `left` and, if there is room, `right` at the other end. */
export function spread(left: Line, right: Line, width: number, mark: string): Line {
  const room = width - lineWidth(right);
  if (room < 1) return clipLine(left, width, mark);
  return [...fitLine(clipLine(left, room - 1, mark), room, mark), ...right];
}

const styles = { good: 'green', bad: 'red', warn: 'yellow', accent: 'cyan', dim: 'dim' } as const;

/** The line as a terminal takes it; without colour it is the plain text. */
export function paintLine(line: Line, color: boolean): string {
  if (!color) return plainText(line);
  return line
    .map(({ text, tone, bold, inverse }) => {
      const format = [
        ...(tone ? [styles[tone]] : []),
        ...(bold ? (['bold'] as const) : []),
        ...(inverse ? (['inverse'] as const) : []),
      ];
      return format.length > 0 ? styleText(format, text, { validateStream: false }) : text;
    })
    .join('');
}
