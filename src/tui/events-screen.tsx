// What has happened to one thing, and what happens.
import { useEffect, useMemo, useState } from 'react';
import type { Event } from '../contract/events.ts';
import { eventSubjects } from '../view/event-text.ts';
import { type Line, span } from '../view/spans.ts';
import { eventLine } from '../view/topology/event-lines.ts';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { TextScreen } from './text-screen.tsx';
import { useTopology } from './use-topology.ts';

export function EventsScreen(props: ScreenProps & { subject: string; quit: () => void }) {
  const { subject, columns } = props;
  const { actions, glyphs } = useSurroundings();
  const { events } = useTopology();
  const [past, setPast] = useState<Event[]>([]);
  useEffect(() => {
    let shown = true;
    actions.pastEvents(subject).then(
      (found) => shown && setPast(found),
      () => {}, // what is known here is shown all the same
    );
    return () => {
      shown = false;
    };
  }, [actions, subject]);
  const text = useMemo((): Line[] => {
    const live = events.filter((event) => eventSubjects(event).includes(subject));
    const known = new Set(live.map(({ id }) => id));
    const all = [...past.filter(({ id }) => !known.has(id)), ...live];
    all.sort((a, b) => (a.time < b.time ? -1 : 1));
    if (all.length === 0) return [[span('nothing has happened lately', 'dim')]];
    return all.map((event) => eventLine(event, Date.now(), columns, glyphs));
  }, [events, past, subject, columns, glyphs]);
  return <TextScreen {...props} title={`events of ${subject}`} text={text} atEnd />;
}
