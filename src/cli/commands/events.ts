// `cmig events`: what has happened, and what happens.
import { styleText } from 'node:util';
import { subscribeEvents } from '../../broker/events.ts';
import type { Event } from '../../contract/events.ts';
import { eventSubjects, eventText } from '../../view/event-text.ts';
import { printable } from '../../view/table.ts';
import type { Invocation } from '../command.ts';
import { parseEventSubject, parseEventTypes } from '../event-filter.ts';
import { withOrchestrator } from '../session.ts';
import { parseSince } from '../since.ts';
import { write } from '../write.ts';

export async function run(invocation: Invocation): Promise<number> {
  const watch = invocation.flag('watch');
  const typed = invocation.texts('types');
  const types = typed.length > 0 ? parseEventTypes(typed) : undefined;
  const subject = invocation.text('for');
  const wanted = subject === undefined ? () => true : parseEventSubject(subject);
  const text = invocation.text('since');
  const since = text === undefined ? (watch ? undefined : ('first' as const)) : parseSince(text);
  const onState = (state: string): void => {
    if (state === 'disconnected') invocation.notice('the broker has gone; waiting for it');
    if (state === 'connected' && lost) invocation.notice('the broker is back');
    lost = state === 'disconnected';
  };
  let lost = false;
  return withOrchestrator(
    invocation,
    async ({ connection }) => {
      const events = await subscribeEvents(connection, {
        ...(types ? { types } : {}),
        ...(since ? { since } : {}),
      });
      const end = (): void => void events.close();
      invocation.signal.addEventListener('abort', end, { once: true });
      if (!watch) events.caughtUp.then(end);
      for await (const event of events)
        if (wanted(event)) await write(invocation.stdout, `${eventLine(event, invocation)}\n`);
      return invocation.signal.aborted ? 130 : 0;
    },
    { reconnect: watch, onState },
  );
}

/** Columns that stay in line without knowing what comes: time, host, type, subject, what has happened. */
function eventLine(event: Event, invocation: Invocation): string {
  if (invocation.output === 'json') return JSON.stringify(event);
  const color = /exited|rolled-back|aborted|stopped/.test(event.type) ? 'yellow' : 'green';
  const type = event.type.padEnd(21);
  return [
    printable(event.time),
    printable(event.host).padEnd(12),
    invocation.color ? styleText(color, type, { validateStream: false }) : type,
    printable(eventSubjects(event)[0]!).padEnd(24),
    printable(`${eventText(event)}${'migration' in event.data ? ` (${event.data.migration})` : ''}`),
  ].join('  ');
}
