// The whole picture: a headline, the hosts as boxes, the migrations that run, and what happened lately.
import { formatAge, formatCount } from '../formats.ts';
import type { Glyphs } from '../glyphs.ts';
import { hostCondition, isRunning } from '../read-model/conditions.ts';
import type { ReadModel } from '../read-model/read-model.ts';
import { clipLine, type Line, type Span, span, spread } from '../spans.ts';
import { clockTime } from './clock-time.ts';
import { eventLine } from './event-lines.ts';
import { migrationLines } from './migration-lines.ts';
import { type Canvas, cutCanvas, drawCanvas } from './topology-canvas.ts';
import { filterTopology, type ShownHost } from './topology-filter.ts';

export interface OverviewOptions {
  topology: ReadModel;
  /** The context whose broker this is. */
  context: string;
  filter: string;
  /** The key of the selected thing, such as `host/host-a`. */
  selected?: string | undefined;
  /** How many lines of the boxes were above the screen before. */
  scrolled?: number;
  nowMs: number;
  glyphs: Glyphs;
  columns: number;
}

/** For a screen of so many rows. */
export interface ScreenOptions extends OverviewOptions {
  /** What the filter leaves. */
  shown: readonly ShownHost[];
  rows: number;
}

export interface Overview {
  /** Exactly as many as there are rows. */
  lines: Line[];
  items: Canvas['items'];
  scrolled: number;
}

/** The picture in exactly so many rows. */
export function drawOverview(options: ScreenOptions): Overview {
  const { topology, nowMs, columns, rows, glyphs } = options;
  const moving = migrationLines(topology, nowMs, columns, glyphs, Math.max(1, Math.floor(rows / 8)));
  const listed = Math.max(rows < 16 ? 0 : 3, Math.floor(rows / 6) - 1);
  const below = (moving.length > 0 ? moving.length + 1 : 0) + (listed > 0 ? listed + 1 : 0);
  const room = Math.max(1, rows - 1 - below);
  const canvas = drawCanvas({ ...options, selected: options.selected, rows: room });
  const { lines, from } = cutCanvas(canvas, room, options.scrolled ?? 0, options.selected, glyphs);
  const boxes = lines.length > 0 ? lines : [emptyLine(topology, options.filter)];
  const spare = Math.max(0, room - boxes.length);
  const all = [
    headline(options),
    ...boxes,
    ...(moving.length > 0 ? [rule('migrations', columns, glyphs), ...moving] : []),
    ...(listed > 0 ? [rule('events', columns, glyphs), ...eventLines(options, listed + spare)] : []),
  ];
  const blank = Array.from({ length: Math.max(0, rows - all.length) }, (): Line => []);
  const drawn = [...all, ...blank].slice(0, rows).map((line) => clipLine(line, columns, glyphs.cut));
  return { lines: drawn, items: canvas.items, scrolled: from };
}

/** Everything at once, as long as it may be: for a pipe. */
export function drawSnapshot(options: OverviewOptions): Line[] {
  const { topology, nowMs, columns, glyphs } = options;
  const shown = filterTopology(topology, options.filter);
  const canvas = drawCanvas({ ...options, shown, selected: undefined });
  const moving = migrationLines(topology, nowMs, columns, glyphs, 100);
  const events = eventLines(options, 10);
  return [
    headline(options),
    ...(canvas.lines.length > 0 ? canvas.lines.map((draw) => draw()) : [emptyLine(topology, options.filter)]),
    ...(moving.length > 0 ? [rule('migrations', columns, glyphs), ...moving] : []),
    ...(events.length > 0 ? [rule('events', columns, glyphs), ...events] : []),
  ];
}

function eventLines({ topology, nowMs, columns, glyphs }: OverviewOptions, limit: number): Line[] {
  return topology.events.slice(-limit).map((event) => eventLine(event, nowMs, columns, glyphs));
}

const rule = (title: string, columns: number, { box }: Glyphs): Line => [
  span(
    `${box.horizontal.repeat(2)} ${title} ${box.horizontal.repeat(Math.max(0, columns - title.length - 4))}`,
    'dim',
  ),
];

function emptyLine({ complete, hosts, problem }: ReadModel, filter: string): Line {
  if (!complete) return [span(problem ?? 'asking the hosts', 'dim')];
  if (filter && hosts.size > 0) return [span(`nothing matches "${filter}"`, 'warn')];
  return [span('there are no hosts', 'warn')];
}

function headline({ topology, context, filter, nowMs, columns, glyphs }: OverviewOptions): Line {
  const hosts = [...topology.hosts.values()];
  const away = hosts.filter((host) => hostCondition(host, topology, nowMs) === 'NotReady').length;
  const moving = [...topology.migrations.values()].filter(isRunning).length;
  const left: Span[] = [
    span('cmig', 'accent', { bold: true }),
    span(` ${context}  `),
    span(formatCount(hosts.length, 'host')),
    ...(away > 0 ? [span(` (${away} not ready)`, 'bad')] : []),
    span(`  ${formatCount(topology.applications.size, 'application')}`),
    ...(moving > 0 ? [span(`  ${moving} moving`, 'accent')] : []),
    ...(filter ? [span('  filter: '), span(filter, 'accent')] : []),
  ];
  const warning = topology.warnings[0] ?? topology.problem;
  if (warning) left.push(span(`  ${warning}`, 'warn'));
  return spread(left, connectionText(topology, nowMs), columns, glyphs.cut);
}

function connectionText({ connection }: ReadModel, nowMs: number): Line {
  if (connection.connected) return [span('live', 'good')];
  const { sinceMs } = connection;
  return [
    span(
      `broker gone since ${clockTime(sinceMs, nowMs)} (${formatAge(nowMs - sinceMs)}), reconnecting`,
      'bad',
      {
        bold: true,
      },
    ),
  ];
}

/** A list of lines as a screen of its own, from `scrolled` on. */
export function cutLines(
  lines: readonly Line[],
  rows: number,
  scrolled: number,
  columns: number,
  cut: string,
) {
  const from = Math.min(Math.max(0, scrolled), Math.max(0, lines.length - rows));
  return { lines: lines.slice(from, from + rows).map((line) => clipLine(line, columns, cut)), from };
}
