// The picture of all hosts, and the way to everything else.
import { useMemo, useRef } from 'react';
import { isRunning } from '../view/read-model/conditions.ts';
import { span } from '../view/spans.ts';
import { applicationKey, hostKey } from '../view/topology/box-line.ts';
import { drawOverview } from '../view/topology/overview.ts';
import { boxesPerRow } from '../view/topology/topology-canvas.ts';
import { filterTopology } from '../view/topology/topology-filter.ts';

import type { ConfirmedAction } from './actions.ts';
import { Frame, frameRows } from './frame.tsx';
import type { KeyHint } from './key-line.ts';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { type Move, settleSelection } from './ui-state.ts';
import { useClock } from './use-clock.ts';
import { useKeys } from './use-keys.ts';
import { useTopology } from './use-topology.ts';

const moves: Record<string, Move> = {
  up: 'previous',
  k: 'previous',
  down: 'next',
  j: 'next',
  left: 'left',
  h: 'left',
  right: 'right',
  tab: 'box',
  'shift-tab': 'box-before',
  home: 'first',
  g: 'first',
  end: 'last',
  G: 'last',
};

/** Keys that only mean something for what is selected. */
const applicationHints: readonly KeyHint[] = [
  ['m', 'migrate'],
  ['s', 'stop'],
  ['S', 'start'],
  ['l', 'logs'],
];
const hostHints = (isCordoned: boolean): readonly KeyHint[] => [
  ['c', isCordoned ? 'uncordon' : 'cordon'],
  ['d', 'drain'],
];

export function MapScreen({ ui, dispatch, columns, rows, quit }: ScreenProps & { quit: () => void }) {
  const { context, glyphs } = useSurroundings();
  const topology = useTopology();
  const moving = [...topology.migrations.values()].some(isRunning);
  const nowMs = useClock(moving ? 250 : 1000);
  const scrolled = useRef(0);
  const { filter, selected: wanted } = ui;
  const shown = useMemo(() => filterTopology(topology, filter), [topology, filter]);
  const overview = useMemo(() => {
    const keys = shown.flatMap(({ state, applications }) => [
      hostKey(state.host.metadata.name),
      ...applications.map(({ metadata }) => applicationKey(metadata.name)),
    ]);
    const selected = settleSelection(keys, wanted);
    const all = { topology, shown, context, filter, nowMs, glyphs, columns };
    return {
      selected,
      perRow: boxesPerRow(columns, shown.length),
      ...drawOverview({ ...all, selected, rows: Math.max(1, rows - frameRows), scrolled: scrolled.current }),
    };
  }, [topology, shown, context, filter, wanted, nowMs, glyphs, columns, rows]);
  scrolled.current = overview.scrolled;
  const { items, perRow, selected } = overview;
  const [kind, name = ''] = selected?.split('/') ?? [];

  const isCordoned = kind === 'host' && topology.hosts.get(name)?.host.spec.unschedulable === true;

  const ofApplication = (open: (application: string) => void): void => {
    if (kind === 'application') open(name);
    else dispatch({ type: 'tell', message: { text: 'choose an application first', tone: 'warn' } });
  };
  const confirmOnHost = (action: ConfirmedAction): void => {
    if (kind === 'host') dispatch({ type: 'open', screen: { name: 'confirm', action, target: name } });
    else dispatch({ type: 'tell', message: { text: 'choose a host first', tone: 'warn' } });
  };
  useKeys((key) => {
    if (ui.typing) return dispatch({ type: 'type', key });
    const to = moves[key];
    if (to) return dispatch({ type: 'move', to, items, perRow });
    switch (key) {
      case 'q':
      case 'ctrl-c':
        return quit();
      case '?':
        return dispatch({ type: 'open', screen: { name: 'help' } });
      case '/':
        return dispatch({ type: 'filter' });
      case 'escape':
        return dispatch(filter ? { type: 'type', key: 'escape' } : { type: 'quiet' });
      case 'enter':
        return selected && dispatch({ type: 'open', screen: { name: 'details', subject: selected } });
      case 'e':
        return selected && dispatch({ type: 'open', screen: { name: 'events', subject: selected } });
      case 'l':
        return ofApplication((application) =>
          dispatch({ type: 'open', screen: { name: 'logs', application } }),
        );
      case 'm':
        return ofApplication((application) =>
          dispatch({ type: 'open', screen: { name: 'migrate', application } }),
        );
      case 's':
      case 'S':
        return ofApplication((application) => {
          const action = key === 's' ? 'stop' : 'start';
          dispatch({ type: 'open', screen: { name: 'confirm', action, target: application } });
        });
      case 'c':
        return confirmOnHost(isCordoned ? 'uncordon' : 'cordon');
      case 'd':
        return confirmOnHost('drain');
    }
  });
  const typing = ui.typing
    ? [span('/', 'accent', { bold: true }), span(filter), span(' ', undefined, { inverse: true })]
    : undefined;
  const hints: KeyHint[] = ui.typing
    ? [
        ['name, key=value', 'what is shown'],
        [glyphs.enterKey, 'keep'],
        ['esc', 'show all'],
      ]
    : [
        [glyphs.moveKeys, 'move'],
        [glyphs.enterKey, 'details'],
        ...(kind === 'host' ? hostHints(isCordoned) : applicationHints),
        ['e', 'events'],
        ['/', 'filter'],
        ['?', 'help'],
        ['q', 'quit'],
      ];
  return (
    <Frame
      body={overview.lines}
      columns={columns}
      rows={rows}
      hints={hints}
      message={ui.message}
      input={typing}
    />
  );
}
