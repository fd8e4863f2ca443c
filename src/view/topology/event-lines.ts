// Events as lines of a screen: when, of what, what.
import type { Event } from '../../contract/events.ts';
import { eventSubjects, eventText } from '../event-text.ts';
import type { Glyphs } from '../glyphs.ts';
import { clipLine, type Line, span, type Tone } from '../spans.ts';
import { printable } from '../table.ts';
import { clockTime } from './clock-time.ts';

export function eventLine(event: Event, nowMs: number, width: number, { cut }: Glyphs): Line {
  const time = clockTime(Date.parse(event.time), nowMs);
  const subject = eventSubjects(event)[0]!;
  return clipLine(
    [
      span(`${time} `, 'dim'),
      span(`${printable(subject).padEnd(18)} `),
      span(printable(eventText(event)), toneOf(event)),
    ],
    width,
    cut,
  );
}

function toneOf({ type, data }: Event): Tone | undefined {
  if (type === 'container.exited') return data.exitCode === 0 ? undefined : 'bad';
  if (/restarted|rolled-back|aborted|agent\.stopped/.test(type)) return 'warn';
  return type === 'migration.finished' ? 'good' : undefined;
}
