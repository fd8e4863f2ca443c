// RPC: applications of this host.
import type { ServerStream } from '../../src/broker/rpc-server.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import type { AgentContext } from '../context.ts';
import type { Machine } from '../migration/machine.ts';
import { refuseCordoned } from '../peers/refuse-cordoned.ts';
import { refuseElsewhere } from '../peers/refuse-elsewhere.ts';
import { execInContainer } from '../runtime/exec-session.ts';
import type { LogLine } from '../runtime/log-line.ts';
import { mergeLogs, parseSince, readLog } from '../runtime/log-reader.ts';
import type { SupervisedContainer } from '../runtime/supervised-container.ts';
import type { Supervisor } from '../runtime/supervisor.ts';

export const applicationHandlers = (
  context: AgentContext,
  {
    supervisor,
    runc,
    hosts,
    neighbourhood,
  }: Pick<Machine, 'supervisor' | 'runc' | 'hosts' | 'neighbourhood'>,
) => ({
  'application.list': async (): Promise<Result<'application.list'>> => ({ applications: supervisor.list() }),
  'application.get': async ({ name }: Params<'application.get'>) => supervisor.describe(name),
  'application.deploy': async (params: Params<'application.deploy'>) => {
    const { name } = params.manifest.metadata;
    // What is here stays, and may be changed; what is new has to go elsewhere.
    if (!supervisor.has(name)) {
      refuseCordoned(hosts, name);
      await refuseElsewhere({ context, neighbourhood }, name);
    }
    return supervisor.deploy(params);
  },
  'application.start': ({ name }: Params<'application.start'>) => supervisor.start(name),
  'application.stop': ({ name }: Params<'application.stop'>) => supervisor.stop(name),
  'application.delete': async ({ name }: Params<'application.delete'>) => {
    await supervisor.delete(name);
    return {};
  },
  'application.logs': (params: Params<'application.logs'>, _: unknown, stream: ServerStream) =>
    sendLogs(context, supervisor, params, stream),
  'application.exec': (params: Params<'application.exec'>, _: unknown, stream: ServerStream) =>
    execInContainer(context, runc, supervisor.container(params.name, params.container), params, stream),
});

/** Of one container, or of all: what is there merged by time, what follows as it comes. */
async function sendLogs(
  { paths }: Pick<AgentContext, 'paths'>,
  supervisor: Supervisor,
  params: Params<'application.logs'>,
  stream: ServerStream,
): Promise<void> {
  const { name, container, tail, follow } = params;
  const sinceMs = params.since === undefined ? undefined : parseSince(params.since);
  const application = supervisor.application(name);
  const chosen = container ? [supervisor.container(name, container)] : application.containers;
  // A log is over when its container has ended for good, or has left this host.
  const isOver = (each: SupervisedContainer): boolean =>
    each.isOver || !supervisor.has(name) || supervisor.application(name).container(each.name) !== each;
  async function* linesOf(each: SupervisedContainer, following: boolean, from: number | undefined) {
    const lines = readLog({
      file: paths.logFile(name, each.name),
      tail: from,
      sinceMs,
      follow: following,
      signal: stream.closed,
      isOver: () => isOver(each),
    });
    for await (const line of lines) yield { ...line, container: each.name };
  }
  const send = async (lines: AsyncIterable<LogLine & { container: string }>): Promise<void> => {
    for await (const line of lines) {
      if (stream.closed.aborted) return;
      await stream.send({ type: 'log', ...line });
    }
  };
  if (follow) await Promise.all(chosen.map((each) => send(linesOf(each, true, tail))));
  else await send(mergeLogs(chosen.map((each) => linesOf(each, false, tail))));
  await stream.send({ type: 'end', exitCode: 0 });
}
