// `cmig topology`: the live view, or one picture of it.
import type { Writable } from 'node:stream';
import { glyphs, localeKnowsUnicode } from '../../view/glyphs.ts';
import { LiveModel } from '../../view/read-model/live-model.ts';
import { untilMeasured } from '../../view/read-model/until-measured.ts';
import { paintLine } from '../../view/spans.ts';
import { drawSnapshot } from '../../view/topology/overview.ts';
import type { Invocation } from '../command.ts';
import { type Session, withOrchestrator } from '../session.ts';

export async function run(invocation: Invocation): Promise<number> {
  const live = invocation.attended && !invocation.flag('once');
  return withOrchestrator(
    invocation,
    async (session) => {
      const feed = new LiveModel(session);
      try {
        return await (live ? watch(invocation, session, feed) : print(invocation, session, feed));
      } finally {
        await feed.close();
      }
    },
    { reconnect: live },
  );
}

async function print(invocation: Invocation, session: Session, feed: LiveModel): Promise<number> {
  await feed.start();
  await untilMeasured(feed);
  const unicode = localeKnowsUnicode(process.env);
  const columns = (invocation.interactive && invocation.stdout.columns) || 100;
  const lines = drawSnapshot({
    topology: feed.state,
    context: session.context.name,
    filter: invocation.text('filter') ?? '',
    nowMs: Date.now(),
    glyphs: glyphs(unicode),
    columns,
  });
  for (const line of lines) invocation.print(paintLine(line, invocation.color).trimEnd());
  return 0;
}

async function watch(invocation: Invocation, session: Session, feed: LiveModel): Promise<number> {
  const { signal } = invocation;
  // What draws on a terminal is loaded while the hosts answer, and by nothing else.
  const started = feed.start();
  started.catch(() => {}); // told in the view, which waits for them
  const [{ runTopology }, { topologyActions }] = await Promise.all([
    import('../../tui/run-topology.tsx'),
    import('../topology-actions.ts'),
  ]);
  const { actions, underWay } = topologyActions(session);
  const unicode = localeKnowsUnicode(process.env);
  const surroundings = { feed, actions, context: session.context.name, color: invocation.color, unicode };
  await runTopology({
    surroundings,
    filter: invocation.text('filter') ?? '',
    signal,
    stdin: invocation.stdin as NodeJS.ReadableStream,
    stdout: invocation.stdout as Writable & NodeJS.WritableStream,
  });
  for (const doing of underWay) invocation.print(`${doing}, and goes on; look with: cmig events -w`);
  return signal.aborted ? 130 : 0;
}
