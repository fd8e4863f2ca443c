// What the containers of an application write, followed through its moves.
import { useEffect, useState } from 'react';
import type { LogLine } from '../orchestrator/log-following.ts';
import { showable } from '../view/glyphs.ts';
import { type Line, span, type Tone } from '../view/spans.ts';
import { printable } from '../view/table.ts';
import type { ScreenProps } from './screen-props.ts';
import { useSurroundings } from './surroundings.ts';
import { TextScreen } from './text-screen.tsx';

const linesKept = 2000;
/** A container that writes much is not drawn line by line. */
const drawEveryMs = 100;
const tones: Tone[] = ['accent', 'warn', 'good', 'dim'];

export function LogsScreen(props: ScreenProps & { application: string; quit: () => void }) {
  const { application } = props;
  const { actions, feed, unicode } = useSurroundings();
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [ending, setEnding] = useState<string>();
  useEffect(() => {
    const stop = new AbortController();
    const found = feed.state.applications.get(application);
    let fresh: LogLine[] = [];
    const draw = (): void => {
      if (fresh.length === 0) return;
      const added = fresh;
      fresh = [];
      setLines((before) => [...before, ...added].slice(-linesKept));
    };
    const timer = setInterval(draw, drawEveryMs);
    const read = async (): Promise<void> => {
      if (!found) return setEnding(`${application} is no longer there`);
      for await (const line of actions.logs(found, stop.signal)) fresh.push(line);
      draw();
      if (!stop.signal.aborted) setEnding('these are all of them');
    };
    read().catch((error: Error) => !stop.signal.aborted && setEnding(error.message));
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [actions, feed, application]);
  const containers =
    feed.state.applications.get(application)?.status.containers.map(({ name }) => name) ?? [];
  const widest = Math.max(0, ...containers.map((name) => name.length));
  const text: Line[] = lines.map(({ container, line }) => {
    const tone = tones[Math.max(0, containers.indexOf(container)) % tones.length];
    const prefix = containers.length > 1 ? [span(`${container.padEnd(widest)} | `, tone)] : [];
    return [...prefix, span(showable(printable(line), unicode))];
  });
  if (ending) text.push([span(`(${ending})`, 'dim')]);
  return <TextScreen {...props} title={`logs of application/${application}`} text={text} atEnd />;
}
