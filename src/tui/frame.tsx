// The whole screen: what is shown, one line for what is to be told or typed, and the keys.
import { Box } from 'ink';
import { clipLine, type Line, span } from '../view/spans.ts';
import { type KeyHint, keyLine } from './key-line.ts';
import { Lines } from './lines.tsx';
import { useSurroundings } from './surroundings.ts';
import type { Message } from './ui-state.ts';

/** Rows that are not the body's. */
export const frameRows = 2;

interface FrameProps {
  body: readonly Line[];
  columns: number;
  rows: number;
  hints: readonly KeyHint[];
  message: Message | undefined;
  /** What is being typed, in the place of the message. */
  input?: Line | undefined;
}

export function Frame({ body, columns, rows, hints, message, input }: FrameProps) {
  const { color, glyphs } = useSurroundings();
  const bodyRows = Math.max(0, rows - frameRows);
  const filled = Array.from({ length: bodyRows }, (_, index): Line => body[index] ?? []);
  const told = input ?? (message ? [span(message.text, message.tone)] : []);
  const all = [...filled, clipLine(told, columns, glyphs.cut), keyLine(hints, columns, glyphs.cut)];
  // Nothing can stand out of it, each line being one row and cut off: to have ink clip it would double what a picture costs.
  return (
    <Box flexDirection="column" width={columns} height={Math.max(1, rows)}>
      <Lines lines={all.slice(-rows)} color={color} />
    </Box>
  );
}
