// One host as a box: what it is, how busy it is, and what runs on it.
import type { Glyphs } from '../glyphs.ts';
import { type HostCondition, hostCondition, isRunning } from '../read-model/conditions.ts';
import type { MigrationState } from '../read-model/read-model.ts';
import { clipLine, firstFitting, fitLine, type Line, lineWidth, span, type Tone } from '../spans.ts';
import { applicationLines } from './application-lines.ts';
import { type BoxLine, type BoxOptions, hostKey } from './box-line.ts';
import { loadLines } from './load-lines.ts';
import type { ShownHost } from './topology-filter.ts';

/** The box without its lower edge, so that boxes of one row can be made equally high. */
export function hostBox(shown: ShownHost, options: BoxOptions): BoxLine[] {
  const { glyphs, width, detail } = options;
  const { host } = shown.state;
  const inner = width - 3;
  const condition = hostCondition(shown.state, options.topology, options.nowMs);
  const content: BoxLine[] = [];
  if (detail === 'full') content.push({ draw: () => machineLine(shown, inner, glyphs) });
  content.push(...loadLines(shown.state, condition, inner, options));
  for (const application of shown.applications) {
    content.push(...applicationLines(application, shown.state, condition, inner, options));
  }
  for (const migration of options.topology.migrations.values())
    if (isRunning(migration) && migration.to === host.metadata.name && !runsThere(migration, options))
      content.push({ draw: () => incomingLine(migration, glyphs) });
  const key = hostKey(host.metadata.name);
  const isSelected = options.selected === key;
  const edge = edgeTone(condition, isSelected);
  return [
    { draw: () => titleLine(shown, condition, isSelected, options), key },
    ...content.map(({ draw, key }) => ({
      draw: () => [
        span(`${glyphs.box.vertical} `, edge),
        ...fitLine(draw(), inner, glyphs.cut),
        span(glyphs.box.vertical, edge),
      ],
      ...(key ? { key } : {}),
    })),
  ];
}

/** The box in exactly `height` lines: filled up, and closed. */
export function closeBox(box: readonly BoxLine[], height: number, width: number, { box: sides }: Glyphs) {
  const blank = [span(sides.vertical, 'dim'), span(' '.repeat(width - 2)), span(sides.vertical, 'dim')];
  const filled = Array.from(
    { length: height - 1 },
    (_, index): BoxLine => box[index] ?? { draw: () => blank },
  );
  const lower = `${sides.bottomLeft}${sides.horizontal.repeat(width - 2)}${sides.bottomRight}`;
  return [...filled, { draw: (): Line => [span(lower, 'dim')] }];
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
    ...(state.host.spec.unschedulable ? [span(', cordoned', 'warn')] : []),
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

const runsThere = ({ application, to }: MigrationState, { topology }: BoxOptions): boolean =>
  topology.applications.get(application)?.status.host === to;

const incomingLine = ({ application, from }: MigrationState, { left }: Glyphs): Line => [
  span(' '),
  span(application, 'accent'),
  span(' Incoming', 'accent'),
  span(` ${left} ${from}`, 'accent'),
];
