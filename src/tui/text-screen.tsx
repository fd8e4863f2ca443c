// A headline and a text that can be scrolled: details, events, logs and help are such.
import { type Line, span, spread } from '../view/spans.ts';
import { cutLines } from '../view/topology/overview.ts';
import { Frame, frameRows } from './frame.tsx';
import type { KeyHint } from './key-line.ts';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { useKeys } from './use-keys.ts';
import { useScroll } from './use-scroll.ts';

interface TextScreenProps extends ScreenProps {
  title: string;
  text: readonly Line[];
  /** Shows the end, and what is added to it. */
  atEnd?: boolean;
  quit: () => void;
  hints?: readonly KeyHint[];
  onKey?: (key: string) => void;
}

export function TextScreen(props: TextScreenProps) {
  const { ui, dispatch, columns, rows, title, text, quit, hints = [], onKey, atEnd = false } = props;
  const { glyphs } = useSurroundings();
  const room = Math.max(1, rows - frameRows - 1);
  const scroll = useScroll(text.length, room, atEnd);
  useKeys((key) => {
    if (scroll.onKey(key)) return;
    if (key === 'escape' || key === 'q') return dispatch({ type: 'close' });
    if (key === 'ctrl-c') return quit();
    onKey?.(key);
  });
  const { lines, from } = cutLines(text, room, scroll.from, columns, glyphs.cut);
  const place = text.length > room ? `${from + 1}-${from + lines.length} of ${text.length}` : '';
  const headline = spread([span(title, 'accent', { bold: true })], [span(place, 'dim')], columns, glyphs.cut);
  return (
    <Frame
      body={[headline, ...lines]}
      columns={columns}
      rows={rows}
      message={ui.message}
      hints={[['up/down, space', 'scroll'], ...hints, ['esc', 'back']]}
    />
  );
}
