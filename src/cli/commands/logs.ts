// `cmig logs`: the lines of an application's containers, followed through its moves.
import { styleText } from 'node:util';
import type { Application } from '../../contract/application.ts';
import { followLogs, type LogLine } from '../../orchestrator/log-following.ts';
import type { Invocation } from '../command.ts';
import { checkContainer, locateApplication } from '../locate.ts';
import { withOrchestrator } from '../session.ts';
import { parseSince } from '../since.ts';
import { write } from '../write.ts';

export async function run(invocation: Invocation): Promise<number> {
  const container = invocation.text('container');
  const follow = invocation.flag('follow');
  const since = invocation.text('since');
  const from = since === undefined ? undefined : parseSince(since).toISOString();
  const tail = invocation.integer('tail');
  const { signal } = invocation;
  return withOrchestrator(
    invocation,
    async (session) => {
      const application = await locateApplication(session, invocation.required('APP'));
      checkContainer(application, container);
      const show = lineWriter(invocation, application, container);
      const options = { container, follow, tail, since: from, signal };
      for await (const line of followLogs(session, application, options)) await show(line);
      return signal.aborted ? 130 : 0;
    },
    { reconnect: follow },
  );
}

const colors = ['cyan', 'yellow', 'green', 'magenta', 'blue'] as const;

/** Lines as they are; where they come from several containers, each after the name of its own. */
function lineWriter(
  invocation: Invocation,
  application: Application,
  container: string | undefined,
): (line: LogLine) => Promise<void> {
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
