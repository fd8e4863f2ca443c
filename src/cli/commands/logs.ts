// `cmig logs`: the lines of an application's containers, followed through its moves.
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { Application } from '../../contract/application.ts';
import type { Frame } from '../../contract/methods.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import type { Invocation } from '../command.ts';
import { checkContainer, locateApplication } from '../locate.ts';
import { type Session, withOrchestrator } from '../session.ts';
import { parseSince } from '../since.ts';
import { write } from '../write.ts';

type Line = Extract<Frame, { type: 'log' }>;

/** While it is followed, an application that has just left its host is looked for that long. */
const lookForMs = 30_000;

export async function run(invocation: Invocation): Promise<number> {
  const container = invocation.text('container');
  const follow = invocation.flag('follow');
  const since = invocation.text('since');
  const from = since === undefined ? undefined : parseSince(since).toISOString();
  let tail = invocation.integer('tail');
  const { signal } = invocation;
  return withOrchestrator(
    invocation,
    async (session) => {
      let application = await locateApplication(session, invocation.required('APP'));
      checkContainer(application, container);
      const show = lineWriter(invocation, application, container);
      /** Container -> time of the last line shown. */
      const shown = new Map<string, string>();
      for (;;) {
        // After a move the new host has the old lines too.
        const before = new Map(shown);
        const earliest = [...before.values()].sort()[0] ?? from;
        const stream = await session.rpc.openStream(application.status.host, 'application.logs', {
          name: application.metadata.name,
          follow,
          ...(container === undefined ? {} : { container }),
          ...(tail === undefined ? {} : { tail }),
          ...(earliest === undefined ? {} : { since: earliest }),
        });
        const close = (): void => void stream.close();
        signal.addEventListener('abort', close, { once: true });
        try {
          for await (const frame of stream) {
            if (frame.type !== 'log' || frame.time <= (before.get(frame.container) ?? '')) continue;
            shown.set(frame.container, frame.time);
            await show(frame);
          }
        } catch (error) {
          if (!follow || !['unreachable', 'not-found'].includes(codeOf(error))) throw error;
        }
        signal.removeEventListener('abort', close);
        if (signal.aborted) return 130;
        if (!follow) return 0;
        if (shown.size > 0) tail = undefined;
        const next = await whereNow(session, application);
        if (!next) return 0;
        application = next;
      }
    },
    { reconnect: follow },
  );
}

/** Where it runs after its stream ended: undefined where it ended for good or still is where it was. */
async function whereNow(session: Session, before: Application): Promise<Application | undefined> {
  const until = performance.now() + lookForMs;
  while (performance.now() < until) {
    try {
      const now = await locateApplication(session, before.metadata.name);
      if (now.status.host !== before.status.host) return now;
      if (now.status.migration === undefined) return undefined;
    } catch (error) {
      if (codeOf(error) === 'not-found') return undefined;
      if (!(error instanceof CmigError)) throw error;
    }
    await sleep(250);
  }
  return undefined;
}

const colors = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const;

/** Lines as they are; where they come from several containers, each after the name of its own. */
function lineWriter(
  invocation: Invocation,
  application: Application,
  container: string | undefined,
): (line: Line) => Promise<void> {
  const names = application.spec.containers.map(({ name }) => name);
  const prefixed = container === undefined && names.length > 1;
  const width = Math.max(...names.map((name) => name.length));
  const timestamps = invocation.flag('timestamps');
  return async (line) => {
    if (invocation.output === 'json') {
      const { type: _, ...rest } = line;
      return write(
        invocation.stdout,
        `${JSON.stringify({ application: application.metadata.name, ...rest })}\n`,
      );
    }
    const color = colors[names.indexOf(line.container) % colors.length] ?? 'cyan';
    const label = `${line.container.padEnd(width)} | `;
    const prefix = !prefixed
      ? ''
      : invocation.color
        ? styleText(color, label, { validateStream: false })
        : label;
    await write(invocation.stdout, `${prefix}${timestamps ? `${line.time} ` : ''}${line.line}\n`);
  };
}
