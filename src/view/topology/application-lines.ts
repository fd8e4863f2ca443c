// An application within the box of its host, with its containers.
import type { Application, ContainerStatus } from '../../contract/application.ts';
import { formatBytes, formatCount } from '../formats.ts';
import type { Glyphs } from '../glyphs.ts';
import { type HostCondition, isRunning } from '../read-model/conditions.ts';
import type { HostState } from '../read-model/read-model.ts';
import { firstFitting, type Line, type Span, span, type Tone } from '../spans.ts';
import { applicationKey, type BoxLine, type BoxOptions } from './box-line.ts';

const phaseTones: Partial<Record<Application['status']['phase'], Tone>> = {
  Running: 'good',
  Deploying: 'accent',
  Migrating: 'accent',
  NotReady: 'warn',
  Stopped: 'dim',
  Exited: 'warn',
  Failed: 'bad',
};

/** An application, and each of its containers where there is room for that. */
export function applicationLines(
  application: Application,
  state: HostState,
  condition: HostCondition,
  width: number,
  options: BoxOptions,
): BoxLine[] {
  const { glyphs, detail, topology } = options;
  const { status } = application;
  const { name } = application.metadata;
  const key = applicationKey(name);
  const selected = options.selected === key;
  const certain = condition === 'Ready' || condition === 'Incompatible';
  const head = (): Line => {
    const migration = [...topology.migrations.values()].find(
      (each) => each.application === name && isRunning(each) && each.from === status.host,
    );
    return [
      span(selected ? glyphs.selected : ' ', 'accent'),
      span(name, selected ? 'accent' : undefined, { bold: true, inverse: selected }),
      span(' '),
      certain ? span(status.phase, phaseTones[status.phase]) : span(`was ${status.phase}`, 'dim'),
      migration ? span(` ${glyphs.right} ${migration.to}`, 'accent') : span(` ${status.address}`, 'dim'),
    ];
  };
  if (detail !== 'full') return [{ draw: () => [...head(), ...summary(application, state)], key }];
  const widest = Math.max(...status.containers.map((container) => container.name.length), 0);
  return [
    { draw: head, key },
    ...status.containers.map((container) => ({
      draw: () => containerLine(container, name, widest, state, certain, width, glyphs),
    })),
  ];
}

const figuresOf = (application: string, { name }: ContainerStatus, { containers }: HostState) =>
  containers.get(`${application}/${name}`);

/** `2/2 3% 24 MiB`. */
function summary({ metadata, status }: Application, state: HostState): Span[] {
  const figures = status.containers.flatMap((each) => figuresOf(metadata.name, each, state) ?? []);
  const ready = status.containers.filter((container) => container.ready).length;
  const cpu = figures.reduce((sum, each) => sum + each.cpu, 0);
  const memory = figures.reduce((sum, each) => sum + each.memoryBytes, 0);
  const restarts = status.containers.reduce((sum, container) => sum + container.restarts, 0);
  return [
    span(` ${ready}/${status.containers.length}`, ready < status.containers.length ? 'warn' : undefined),
    ...(figures.length > 0 ? [span(` ${Math.round(cpu * 100)}% ${formatBytes(memory)}`)] : []),
    ...(restarts > 0 ? [span(` ${formatCount(restarts, 'restart')}`, 'warn')] : []),
  ];
}

function containerLine(
  container: ContainerStatus,
  application: string,
  widest: number,
  state: HostState,
  certain: boolean,
  width: number,
  { cut }: Glyphs,
): Line {
  const figures = certain ? figuresOf(application, container, state) : undefined;
  const use = figures ? `${Math.round(figures.cpu * 100)}% ${formatBytes(figures.memoryBytes)}` : '-';
  const running = container.state === 'Running';
  const stateText = running && !container.ready ? 'Running, not ready' : container.state;
  const tone: Tone | undefined = !certain || !running ? 'dim' : container.ready ? undefined : 'warn';
  const start: Span[] = [span('   '), span(`${container.name.padEnd(widest)} `), span(stateText, tone)];
  const restarts = container.restarts > 0 ? formatCount(container.restarts, 'restart') : '';
  const exit = container.exitCode !== undefined && !running ? ` (exit code ${container.exitCode})` : '';
  const full = [...start, span(`${exit}  ${use}`), ...(restarts ? [span(`  ${restarts}`, 'warn')] : [])];
  const short = [
    ...start,
    span(` ${use}`),
    ...(restarts ? [span(` ${container.restarts} rst`, 'warn')] : []),
  ];
  return firstFitting(width, cut, full, short);
}
