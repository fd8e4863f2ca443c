// One of several, by arrows and enter.
import { useState } from 'react';
import { fitLine, type Line, span } from '../view/spans.ts';
import { cutLines } from '../view/topology/overview.ts';
import { Frame, frameRows } from './frame.tsx';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { useKeys } from './use-keys.ts';

interface ChoiceScreenProps extends ScreenProps {
  title: string;
  choices: readonly { name: string; note: Line }[];
  onChoice: (name: string) => void;
  onBack: () => void;
  quit: () => void;
}

export function ChoiceScreen(props: ChoiceScreenProps) {
  const { ui, columns, rows, title, choices, onChoice, onBack, quit } = props;
  const { glyphs } = useSurroundings();
  const [wanted, setIndex] = useState(0);
  const index = Math.min(wanted, Math.max(0, choices.length - 1));
  useKeys((key) => {
    if (key === 'up' || key === 'k') setIndex((before) => Math.max(0, before - 1));
    if (key === 'down' || key === 'j') setIndex((before) => Math.min(choices.length - 1, before + 1));
    const chosen = choices[index];
    if (key === 'enter' && chosen) onChoice(chosen.name);
    if (key === 'escape' || key === 'q') onBack();
    if (key === 'ctrl-c') quit();
  });
  const widest = Math.max(0, ...choices.map(({ name }) => name.length));
  const lines = choices.map(({ name, note }, at): Line => {
    const selected = at === index;
    return [
      span(selected ? `${glyphs.selected} ` : '  ', 'accent'),
      ...fitLine(
        [span(name, selected ? 'accent' : undefined, { bold: true, inverse: selected })],
        widest,
        '',
      ),
      span('  '),
      ...note,
    ];
  });
  const none: Line = [span('there is nothing to choose from', 'warn')];
  const room = Math.max(1, rows - frameRows - 2);
  const { lines: shown } = cutLines(lines, room, index - room + 1, columns, glyphs.cut);
  return (
    <Frame
      body={[[span(title, 'accent', { bold: true })], [], ...(choices.length > 0 ? shown : [none])]}
      columns={columns}
      rows={rows}
      message={ui.message}
      hints={[
        [glyphs.moveKeys, 'move'],
        [glyphs.enterKey, 'choose'],
        ['esc', 'back'],
      ]}
    />
  );
}
