// All there is to know about one host or application, as `cmig describe` says it.
import { type Field, layOutDescription } from '../view/description.ts';
import { showable } from '../view/glyphs.ts';
import { applicationView } from '../view/kinds/application.ts';
import { hostView } from '../view/kinds/host.ts';
import { hostCondition } from '../view/read-model/conditions.ts';
import type { ReadModel } from '../view/read-model/read-model.ts';
import { span } from '../view/spans.ts';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { TextScreen } from './text-screen.tsx';
import { useClock } from './use-clock.ts';
import { useTopology } from './use-topology.ts';

export function DetailsScreen(props: ScreenProps & { subject: string; quit: () => void }) {
  const { subject, dispatch } = props;
  const { unicode } = useSurroundings();
  const topology = useTopology();
  const fields = describe(topology, subject, useClock(1000));
  const lines = fields ? layOutDescription(fields) : [`${subject} is no longer there`];
  const application = /^application\/(.*)/.exec(subject)?.[1];
  return (
    <TextScreen
      {...props}
      title={subject}
      text={lines.map((line) => [span(showable(line, unicode))])}
      hints={[...(application ? ([['l', 'logs']] as const) : []), ['e', 'events']]}
      onKey={(key) => {
        if (key === 'e') dispatch({ type: 'open', screen: { name: 'events', subject } });
        if (key === 'l' && application) dispatch({ type: 'open', screen: { name: 'logs', application } });
      }}
    />
  );
}

function describe(topology: ReadModel, subject: string, nowMs: number): Field[] | undefined {
  const [kind, name = ''] = subject.split('/');
  if (kind === 'application') {
    const application = topology.applications.get(name);
    return application && applicationView.describe(application);
  }
  const state = topology.hosts.get(name);
  if (!state) return undefined;
  const { host, samples, heardAtMs } = state;
  const condition = hostCondition(state, topology, nowMs);
  const statistics = condition === 'Ready' ? samples.at(-1) : undefined;
  const { statistics: _, ...status } = host.status;
  const running = [...topology.applications.values()].filter((each) => each.status.host === name);
  const shown = {
    ...status,
    condition: condition as typeof status.condition,
    ...(heardAtMs === undefined ? {} : { lastSeen: new Date(heardAtMs).toISOString() }),
    ...(statistics ? { statistics } : {}),
    applications: running.length,
  };
  return [
    ...hostView.describe({ ...host, status: shown }),
    [
      'Running here',
      running.map(({ metadata, status }) => `${metadata.name} (${status.phase}, ${status.address})`),
    ],
  ];
}
