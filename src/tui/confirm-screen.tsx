// Asks before something is done to an application or a host.

import type { ReadModel } from '../view/read-model/read-model.ts';
import { type Line, span } from '../view/spans.ts';
import type { ConfirmedAction } from './actions.ts';
import { Frame } from './frame.tsx';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { useKeys } from './use-keys.ts';
import { useTopology } from './use-topology.ts';

interface Words {
  question: (name: string, topology: ReadModel) => string;
  consequence: (name: string, topology: ReadModel) => readonly string[];
  doing: string;
}

const onHost = (verb: string) => (name: string) => `${verb} host/${name}?`;
const ofApplication = (verb: string) => (name: string, topology: ReadModel) =>
  `${verb} application/${name} on ${topology.applications.get(name)?.status.host ?? 'an unknown host'}?`;

const words: Record<ConfirmedAction, Words> = {
  stop: {
    question: ofApplication('Stop'),
    consequence: () => ['Its containers end; its files stay.'],
    doing: 'is being stopped',
  },
  start: {
    question: ofApplication('Start'),
    consequence: () => ['Its containers are started as its manifest says.'],
    doing: 'is being started',
  },
  cordon: {
    question: onHost('Cordon'),
    consequence: () => ['It takes no further application; what runs there stays.'],
    doing: 'is being cordoned',
  },
  uncordon: {
    question: onHost('Uncordon'),
    consequence: () => ['It takes applications again.'],
    doing: 'is being uncordoned',
  },
  drain: {
    question: onHost('Drain'),
    consequence(name, { applications }) {
      const here = [...applications.values()].filter(({ status }) => status.host === name);
      const names = here.map(({ metadata, status }) => `${metadata.name} (${status.phase})`);
      return [
        'It is cordoned, and all that runs there moves to where there is room; what does not run stays.',
        `There now: ${names.join(', ') || 'nothing'}`,
      ];
    },
    doing: 'is being drained',
  },
};

interface ConfirmScreenProps extends ScreenProps {
  action: ConfirmedAction;
  /** The application or host. */
  target: string;
  quit: () => void;
}

export function ConfirmScreen({ ui, dispatch, columns, rows, action, target, quit }: ConfirmScreenProps) {
  const { actions } = useSurroundings();
  const topology = useTopology();
  const { question, consequence, doing } = words[action];
  useKeys((key) => {
    if (key === 'ctrl-c') return quit();
    if (key === 'n' || key === 'escape' || key === 'q') return dispatch({ type: 'close' });
    if (key !== 'y') return;
    dispatch({ type: 'close' });
    dispatch({ type: 'tell', message: { text: `${target} ${doing}` } });
    actions[action](target).then(
      (text) => dispatch({ type: 'tell', message: { text, tone: 'good' } }),
      (error: Error) => dispatch({ type: 'tell', message: { text: error.message, tone: 'bad' } }),
    );
  });
  return (
    <Frame
      body={[
        [span(question(target, topology), 'warn', { bold: true })],
        [],
        ...consequence(target, topology).map((text): Line => [span(text)]),
      ]}
      columns={columns}
      rows={rows}
      message={ui.message}
      hints={[
        ['y', `yes, ${action} it`],
        ['n', 'no'],
      ]}
    />
  );
}
