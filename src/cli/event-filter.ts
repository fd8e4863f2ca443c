// What `cmig events` leaves out.
import { type Event, type EventType, events } from '../contract/events.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { eventSubjects } from '../view/event-text.ts';
import { findKind, kindViews } from '../view/kinds.ts';

const allTypes = Object.keys(events) as EventType[];

/**
 * `migration,container.exited` -> every type that begins with `migration.`, and that one. Figures, of which there are
 * many, come only where they are named in full. @throws CmigError `invalid` with near names
 */
export function parseEventTypes(texts: readonly string[]): EventType[] {
  const words = texts
    .flatMap((text) => text.split(','))
    .map((word) => word.trim())
    .filter(Boolean);
  const chosen = words.flatMap((word) => {
    const group = word.replace(/\.?\*?$/, '');
    const within = allTypes.filter((type) => type.startsWith(`${group}.`) && !('stat' in events[type]));
    const found = allTypes.filter((type) => type === word);
    if (found.length + within.length > 0) return [...found, ...within];
    const groups = allTypes.map((type) => type.split('.')[0]!);
    throw new CmigError('invalid', `there are no events of the type "${word}"`, {
      hint: didYouMean(word, [...allTypes, ...groups]) ?? `types: ${allTypes.join(', ')}`,
    });
  });
  return [...new Set(chosen)];
}

/** `app/shop`, `host/host-a` or `migration/m-…` as a test of events. @throws CmigError `invalid` */
export function parseEventSubject(text: string): (event: Event) => boolean {
  const [word = '', name = '', ...more] = text.split('/');
  if (!word || !name || more.length > 0) {
    throw new CmigError('invalid', `--for: "${text}" is not KIND/NAME`, {
      hint: 'write it as app/shop, host/host-a or migration/m-…',
    });
  }
  const subject = `${kindViews[findKind(word)].singular}/${name}`;
  return (event) => eventSubjects(event).includes(subject);
}
