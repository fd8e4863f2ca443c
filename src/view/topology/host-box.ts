// One host as a box: what it is, how busy it is, and what runs on it.
import type { Application, ContainerStatus } from '../../contract/application.ts';
import type { HostStatistics } from '../../contract/host.ts';
import { formatAge, formatBytes, formatCount, formatRate } from '../formats.ts';
import type { Glyphs } from '../glyphs.ts';
import {
  clipLine,
  firstFitting,
  fitLine,
  type Line,
  lineWidth,
  type Span,
  span,
  type Tone,
} from '../spans.ts';
import { sparkline } from '../sparkline.ts';
import { clockTime } from './clock-time.ts';
import type { ShownHost } from './topology-filter.ts';
import {
  type HostCondition,
  hostCondition,
  isRunning,
  type MigrationState,
  type TopologyState,
} from './topology-state.ts';

/** `full`: a line for each container; `brief`: containers in the line of their application; `bare`: that alone. */
export type Detail = 'full' | 'brief' | 'bare';

export interface BoxOptions {
  topology: TopologyState;
  nowMs: number;
  glyphs: Glyphs;
  /** The key of the selected thing. */
  selected: string | undefined;
  detail: Detail;
  /** The width of the whole box. */
  width: number;
}

/** A line of a box, and the key of what it stands for. */
export interface BoxLine {
  line: Line;
  key?: string;
}

export const hostKey = (name: string): string => `host/${name}`;
export const applicationKey = (name: string): string => `application/${name}`;

/** The box without its lower edge, so that boxes of one row can be made equally high. */
export function hostBox(shown: ShownHost, options: BoxOptions): BoxLine[] {
  const { glyphs, width, detail } = options;
  const { host } = shown.state;
  const inner = width - 3;
  const condition = hostCondition(shown.state, options.topology, options.nowMs);
  const content: BoxLine[] = [];
  if (detail === 'full') content.push({ line: machineLine(shown, inner, glyphs) });
  content.push(...loadLines(shown, condition, inner, options).map((line) => ({ line })));
  for (const application of shown.applications) {
    content.push(...applicationLines(application, shown, condition, inner, options));
  }
  for (const migration of options.topology.migrations.values())
    if (isRunning(migration) && migration.to === host.metadata.name && !runsThere(migration, options))
      content.push({ line: incomingLine(migration, glyphs) });
  const isSelected = options.selected === hostKey(host.metadata.name);
  const edge = edgeTone(condition, isSelected);
  return [
    { line: titleLine(shown, condition, isSelected, options), key: hostKey(host.metadata.name) },
    ...content.map(({ line, key }) => ({
      line: [
        span(`${glyphs.box.vertical} `, edge),
        ...fitLine(line, inner, glyphs.cut),
        span(glyphs.box.vertical, edge),
      ],
      ...(key ? { key } : {}),
    })),
  ];
}

/** The box in exactly `height` lines: filled up, and closed. */
export function closeBox(box: readonly BoxLine[], height: number, width: number, { box: sides }: Glyphs) {
  const blank = [span(sides.vertical, 'dim'), span(' '.repeat(width - 2)), span(sides.vertical, 'dim')];
  const filled = Array.from({ length: height - 1 }, (_, index): BoxLine => box[index] ?? { line: blank });
  const lower = `${sides.bottomLeft}${sides.horizontal.repeat(width - 2)}${sides.bottomRight}`;
  return [...filled, { line: [span(lower, 'dim')] }];
}

const conditionTones: Record<HostCondition, Tone> = {
  Ready: 'good',
  NotReady: 'bad',
  Incompatible: 'warn',
  Unknown: 'warn',
};
const edgeTone = (condition: HostCondition, selected: boolean): Tone =>
  selected ? 'accent' : condition === 'Ready' ? 'dim' : conditionTones[condition];

function titleLine(
  { state }: ShownHost,
  condition: HostCondition,
  selected: boolean,
  { glyphs, width }: BoxOptions,
): Line {
  const { box } = glyphs;
  const { name, labels } = state.host.metadata;
  const edge = edgeTone(condition, selected);
  const place = placeOf(labels);
  const start = [
    span(`${box.topLeft}${box.horizontal}${selected ? glyphs.selected : ' '}`, edge),
    span(name, selected ? 'accent' : undefined, { bold: true, inverse: selected }),
    span(' '),
  ];
  const end = [
    span(' '),
    span(condition, conditionTones[condition]),
    span(` ${box.horizontal}${box.topRight}`, edge),
  ];
  const room = width - lineWidth(start) - lineWidth(end);
  const note = place ? clipLine([span(`${place} `, 'dim')], Math.max(0, room), glyphs.cut) : [];
  const rule = span(box.horizontal.repeat(Math.max(0, room - lineWidth(note))), edge);
  return fitLine([...start, ...note, rule, ...end], width, glyphs.cut);
}

const placeKeys = /(^|\/)(cloud|provider|site|region|zone)$/;

/** The values of the labels that say where a host is, or else all its labels. */
export function placeOf(labels: Record<string, string>): string {
  const entries = Object.entries(labels);
  const places = entries.filter(([key]) => placeKeys.test(key)).map(([, value]) => value);
  if (places.length > 0) return places.join('/');
  return entries.map(([key, value]) => `${key}=${value}`).join(',');
}

function machineLine({ state }: ShownHost, width: number, { cut }: Glyphs): Line {
  const { spec, status } = state.host;
  const kernel = status.kernel ?? '?';
  const criu = `criu ${status.criu ?? '?'}`;
  const address = spec.address || '?';
  const short = kernel.replace(/-.*/, '');
  return firstFitting(
    width,
    cut,
    [span(`${address}  kernel ${kernel}  ${criu}  runc ${status.runc ?? '?'}`, 'dim')],
    [span(`${address}  kernel ${kernel}  ${criu}`, 'dim')],
    [span(`${address}  kernel ${short}  ${criu}`, 'dim')],
    [span(`${address} linux ${short} ${criu}`, 'dim')],
  );
}

/** CPU, memory and network; of a host that is not there, since when. */
function loadLines(
  { state }: ShownHost,
  condition: HostCondition,
  width: number,
  options: BoxOptions,
): Line[] {
  const { glyphs, detail, nowMs } = options;
  if (condition !== 'Ready') return [whyLine(state, condition, options)];
  const latest = state.samples.at(-1);
  if (!latest) return [[span('not measured yet', 'dim')]];
  const total = state.host.status.memoryBytes;
  const rate = (sample: HostStatistics) => sample.receivedBytesPerSecond + sample.sentBytesPerSecond;
  const percent = (share: number) => `${Math.round(share * 100)}%`.padStart(4);
  const memory = total ? percent(latest.memoryUsedBytes / total) : formatBytes(latest.memoryUsedBytes);
  const ofTotal = total ? ` of ${formatBytes(total)}` : '';
  const wide = detail === 'full' && width >= 4 + 4 + 6 + 2 + 4 + 4 + ofTotal.length + 12;
  const memoryText = wide ? `${memory}${ofTotal}` : memory;
  const bars = Math.max(3, Math.min(20, Math.floor((width - 15 - memoryText.length) / 2)));
  const cpuBars = sparkline(
    state.samples.map(({ cpu }) => cpu),
    bars,
    glyphs,
    1,
  );
  const used = state.samples.map(({ memoryUsedBytes }) => memoryUsedBytes);
  const memoryBars = sparkline(used, bars, glyphs, total);
  const load: Span[] = [
    span('cpu '),
    span(cpuBars, 'accent'),
    span(`${percent(latest.cpu)} `, latest.cpu > 0.9 ? 'warn' : undefined),
    span(' mem '),
    span(memoryBars, 'accent'),
    span(memoryText),
  ];
  if (detail === 'bare') return [load];
  const [received, sent] = [formatRate(latest.receivedBytesPerSecond), formatRate(latest.sentBytesPerSecond)];
  const spacious = width >= 4 + bars + received.length + sent.length + 10;
  const rates = spacious ? ` in ${received}  out ${sent}` : ` in ${received} out ${sent}`;
  const networkBars = Math.max(2, Math.min(bars, width - 4 - rates.length));
  const network: Span[] = [
    span('net '),
    span(sparkline(state.samples.map(rate), networkBars, glyphs), 'accent'),
    span(rates),
  ];
  if (detail === 'full' && lineWidth(network) + 16 <= width && state.host.status.startedAt)
    network.push(span(`  up ${formatAge(nowMs - Date.parse(state.host.status.startedAt))}`, 'dim'));
  return [load, network];
}

function whyLine(
  { host, heardAtMs }: ShownHost['state'],
  condition: HostCondition,
  { nowMs, topology }: BoxOptions,
): Line {
  if (condition === 'Incompatible')
    return [span(`speaks protocol ${host.status.protocolVersion ?? '?'}: another version`, 'warn')];
  if (condition === 'Unknown') {
    const since = topology.connection.sinceMs;
    return [span(`unknown since ${clockTime(since)} (no broker)`, 'warn')];
  }
  if (heardAtMs === undefined) return [span('never heard of', 'bad')];
  return [span(`not heard of since ${clockTime(heardAtMs)} (${formatAge(nowMs - heardAtMs)} ago)`, 'bad')];
}

const phaseTones: Partial<Record<Application['status']['phase'], Tone>> = {
  Running: 'good',
  Deploying: 'accent',
  Migrating: 'accent',
  NotReady: 'warn',
  Stopped: 'dim',
  Exited: 'warn',
  Failed: 'bad',
};

function applicationLines(
  application: Application,
  { state }: ShownHost,
  condition: HostCondition,
  width: number,
  options: BoxOptions,
): BoxLine[] {
  const { glyphs, detail, topology } = options;
  const { name } = application.metadata;
  const { phase, address, containers } = application.status;
  const key = applicationKey(name);
  const selected = options.selected === key;
  const certain = condition === 'Ready' || condition === 'Incompatible';
  const migration = [...topology.migrations.values()].find(
    (each) => each.application === name && isRunning(each),
  );
  const phaseSpan = certain ? span(phase, phaseTones[phase]) : span(`was ${phase}`, 'dim');
  const going = migration && migration.from === state.host.metadata.name;
  const head: Span[] = [
    span(selected ? glyphs.selected : ' ', 'accent'),
    span(name, selected ? 'accent' : undefined, { bold: true, inverse: selected }),
    span(' '),
    phaseSpan,
    ...(going ? [span(` ${glyphs.right} ${migration.to}`, 'accent')] : [span(` ${address}`, 'dim')]),
  ];
  if (detail !== 'full') return [{ line: [...head, ...summary(application, state)], key }];
  const widest = Math.max(...containers.map((container) => container.name.length), 0);
  return [
    { line: head, key },
    ...containers.map((container) => ({
      line: containerLine(container, name, widest, state, certain, width, glyphs),
    })),
  ];
}

const figuresOf = (application: string, { name }: ContainerStatus, { containers }: ShownHost['state']) =>
  containers.get(`${application}/${name}`);

/** `2/2 3% 24 MiB`. */
function summary({ metadata, status }: Application, state: ShownHost['state']): Span[] {
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
  state: ShownHost['state'],
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

const runsThere = ({ application, to }: MigrationState, { topology }: BoxOptions): boolean =>
  topology.applications.get(application)?.status.host === to;

const incomingLine = ({ application, from }: MigrationState, { left }: Glyphs): Line => [
  span(' '),
  span(application, 'accent'),
  span(' Incoming', 'accent'),
  span(` ${left} ${from}`, 'accent'),
];
