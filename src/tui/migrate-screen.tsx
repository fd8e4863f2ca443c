// From an application to its migration: where to, how, what preflight says, and only then whether.
import { useState } from 'react';
import { strategyNames } from '../contract/strategy-names.ts';
import { strategies } from '../orchestrator/migration/strategies/registry.ts';
import { formatBytes, formatCount } from '../view/formats.ts';
import { hostCondition } from '../view/read-model/conditions.ts';
import type { ReadModel } from '../view/read-model/read-model.ts';
import { type Line, span } from '../view/spans.ts';
import { placeOf } from '../view/topology/host-box.ts';
import { filterTopology } from '../view/topology/topology-filter.ts';
import { ChoiceScreen } from './choice-screen.tsx';
import { PreflightScreen } from './preflight-screen.tsx';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { useClock } from './use-clock.ts';
import { useTopology } from './use-topology.ts';

export function MigrateScreen(props: ScreenProps & { application: string; quit: () => void }) {
  const { application, dispatch } = props;
  const topology = useTopology();
  const nowMs = useClock(1000);
  const [to, setTo] = useState<string>();
  const [strategy, setStrategy] = useState<string>();
  const { glyphs } = useSurroundings();
  const source = topology.applications.get(application)?.status.host ?? 'an unknown host';
  if (to === undefined) {
    return (
      <ChoiceScreen
        {...props}
        title={`migrate ${application} from ${source}: where to?`}
        choices={destinations(topology, source, nowMs)}
        onChoice={setTo}
        onBack={() => dispatch({ type: 'close' })}
      />
    );
  }
  if (strategy === undefined) {
    return (
      <ChoiceScreen
        {...props}
        title={`migrate ${application} from ${source} to ${to}: how?`}
        choices={strategyNames.map((name) => ({ name, note: [span(summaryOf(name), 'dim')] }))}
        onChoice={setStrategy}
        onBack={() => setTo(undefined)}
      />
    );
  }
  const title = `migrate ${application} ${source} ${glyphs.right} ${to} by ${strategy}`;
  return (
    <PreflightScreen
      {...props}
      {...{ title, application, to, strategy }}
      onBack={() => setStrategy(undefined)}
    />
  );
}

const summaryOf = (name: string): string =>
  name === 'auto'
    ? 'the first one that both hosts can run'
    : (strategies.find((strategy) => strategy.name === name)?.summary ?? '');

/** Every other host, with what may decide; whether it would really do is for preflight to say. */
function destinations(topology: ReadModel, source: string, nowMs: number) {
  return filterTopology(topology, '')
    .filter(({ state }) => state.host.metadata.name !== source)
    .map(({ state, applications }) => {
      const { metadata, spec, status } = state.host;
      const condition = hostCondition(state, topology, nowMs);
      const used = state.samples.at(-1)?.memoryUsedBytes;
      const free =
        status.memoryBytes === undefined || used === undefined ? undefined : status.memoryBytes - used;
      const note: Line = [
        span(condition, condition === 'Ready' ? 'good' : 'bad'),
        ...(spec.unschedulable ? [span(', cordoned', 'warn')] : []),
        span(`  ${formatCount(applications.length, 'application')}`),
        ...(free === undefined ? [] : [span(`  ${formatBytes(free)} free`)]),
        span(`  ${placeOf(metadata.labels)}`, 'dim'),
      ];
      return { name: metadata.name, note };
    });
}
