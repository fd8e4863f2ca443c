// All keys, and what the picture means.
import { span } from '../view/spans.ts';
import type { ScreenProps } from './screen-props.ts';
import { TextScreen } from './text-screen.tsx';

const keys: readonly (readonly [string, string])[] = [
  ['arrows, j, k', 'to the next or previous host or application; left and right to the box beside'],
  ['tab, shift-tab', 'to the next or previous host'],
  ['g, G', 'to the first or last'],
  ['enter', 'details of what is selected'],
  ['l', 'logs of the application, followed through its moves'],
  ['e', 'events of what is selected'],
  [
    'm',
    'migrate the application: choose where to and how, and see what preflight says before anything begins',
  ],
  ['s, S', 'stop or start the application; asks first'],
  ['c', 'cordon the host, so that it takes no further application, or uncordon it; asks first'],
  ['d', 'drain the host: cordon it and move off all that runs there; asks first'],
  ['/', 'filter: parts of names, or labels as key=value, key!=value, !key'],
  ['esc', 'back; on the picture: show all again'],
  ['ctrl-z', 'suspend; fg in the shell goes on'],
  ['q', 'quit; a migration that was begun here goes on'],
];

const meanings = [
  'A host is NotReady when it has said nothing for some seconds; what ran on it is then shown as it was.',
  'The bars are the last minutes of CPU, memory and network, two seconds each.',
  'The pause of a migration is counted from the news that it is frozen; at its end the measured one is shown.',
];

export function HelpScreen(props: ScreenProps & { quit: () => void }) {
  const width = Math.max(...keys.map(([key]) => key.length)) + 2;
  const text = [
    ...keys.map(([key, does]) => [span(key.padEnd(width), 'accent', { bold: true }), span(does)]),
    [],
    ...meanings.map((meaning) => [span(meaning)]),
  ].flatMap((line) => wrapped(line, width, props.columns));
  return <TextScreen {...props} title="help" text={text} />;
}

/** Lines that are too long go on below, under their second column. */
function wrapped(line: ReturnType<typeof span>[], indent: number, columns: number) {
  const [first, second] = line;
  const text = second ?? first;
  if (!text) return [line];
  const before = second ? indent : 0;
  const rows: string[] = [];
  for (const word of text.text.split(' ')) {
    const last = rows.at(-1);
    if (last !== undefined && before + last.length + 1 + word.length <= columns)
      rows[rows.length - 1] = `${last} ${word}`;
    else rows.push(word);
  }
  return rows.map((row, index) => [
    ...(second ? [index === 0 ? first! : span(' '.repeat(indent))] : []),
    { ...text, text: row },
  ]);
}
