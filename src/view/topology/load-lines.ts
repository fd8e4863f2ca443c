// How busy a host is; of one that is not there, since when.
import type { HostStatistics } from '../../contract/host.ts';
import { formatAge, formatBytes, formatRate } from '../formats.ts';
import type { HostCondition } from '../read-model/conditions.ts';
import type { HostState } from '../read-model/read-model.ts';
import { type Line, lineWidth, type Span, span } from '../spans.ts';
import { sparkline } from '../sparkline.ts';
import type { BoxLine, BoxOptions } from './box-line.ts';
import { clockTime } from './clock-time.ts';

/** CPU, memory and network with how they went lately, or why they are not known. */
export function loadLines(
  state: HostState,
  condition: HostCondition,
  width: number,
  options: BoxOptions,
): BoxLine[] {
  if (condition !== 'Ready') return [{ draw: () => whyLine(state, condition, options) }];
  const latest = state.samples.at(-1);
  if (!latest) return [{ draw: () => [span('not measured yet', 'dim')] }];
  const load = { draw: () => loadLine(state, latest, width, options) };
  if (options.detail === 'bare') return [load];
  return [load, { draw: () => networkLine(state, latest, width, options) }];
}

const percent = (share: number): string => `${Math.round(share * 100)}%`.padStart(4);

function memoryText(
  { host }: HostState,
  { memoryUsedBytes }: HostStatistics,
  width: number,
  { detail }: BoxOptions,
): string {
  const total = host.status.memoryBytes;
  if (!total) return formatBytes(memoryUsedBytes);
  const whole = `${percent(memoryUsedBytes / total)} of ${formatBytes(total)}`;
  return detail === 'full' && width >= 31 + whole.length ? whole : percent(memoryUsedBytes / total);
}

/** The same for all three, so that they stand below each other. */
const barsBeside = (memory: string, width: number): number =>
  Math.max(3, Math.min(20, Math.floor((width - 15 - memory.length) / 2)));

function loadLine(state: HostState, latest: HostStatistics, width: number, options: BoxOptions): Line {
  const { glyphs } = options;
  const memory = memoryText(state, latest, width, options);
  const bars = barsBeside(memory, width);
  const cpu = state.samples.map((sample) => sample.cpu);
  const used = state.samples.map(({ memoryUsedBytes }) => memoryUsedBytes);
  return [
    span('cpu '),
    span(sparkline(cpu, bars, glyphs, 1), 'accent'),
    span(`${percent(latest.cpu)} `, latest.cpu > 0.9 ? 'warn' : undefined),
    span(' mem '),
    span(sparkline(used, bars, glyphs, state.host.status.memoryBytes), 'accent'),
    span(memory),
  ];
}

function networkLine(state: HostState, latest: HostStatistics, width: number, options: BoxOptions): Line {
  const { glyphs, detail, nowMs } = options;
  const [received, sent] = [formatRate(latest.receivedBytesPerSecond), formatRate(latest.sentBytesPerSecond)];
  const most = barsBeside(memoryText(state, latest, width, options), width);
  const spacious = width >= 4 + most + received.length + sent.length + 10;
  const rates = spacious ? ` in ${received}  out ${sent}` : ` in ${received} out ${sent}`;
  const bars = Math.max(2, Math.min(most, width - 4 - rates.length));
  const all = state.samples.map((sample) => sample.receivedBytesPerSecond + sample.sentBytesPerSecond);
  const line: Span[] = [span('net '), span(sparkline(all, bars, glyphs), 'accent'), span(rates)];
  const { startedAt } = state.host.status;
  if (detail === 'full' && startedAt !== undefined && lineWidth(line) + 16 <= width)
    line.push(span(`  up ${formatAge(nowMs - Date.parse(startedAt))}`, 'dim'));
  return line;
}

function whyLine(
  { host, heardAtMs }: HostState,
  condition: HostCondition,
  { nowMs, topology }: BoxOptions,
): Line {
  if (condition === 'Incompatible')
    return [span(`speaks protocol ${host.status.protocolVersion ?? '?'}: another version`, 'warn')];
  if (condition === 'Unknown') {
    const { connected, sinceMs } = topology.connection;
    const since = clockTime(sinceMs, nowMs);
    const why = connected
      ? `not heard of since the broker came back at ${since}`
      : `unknown since ${since} (no broker)`;
    return [span(why, 'warn')];
  }
  if (heardAtMs === undefined) return [span('never heard of', 'bad')];
  const since = clockTime(heardAtMs, nowMs);
  return [span(`not heard of since ${since} (${formatAge(nowMs - heardAtMs)} ago)`, 'bad')];
}
