// The lines of an application's containers, followed through its moves.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from '../contract/application.ts';
import type { Frame } from '../contract/methods.ts';
import { CmigError, codeOf } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import { findApplication, readInventory } from './inventory.ts';

export type LogLine = Extract<Frame, { type: 'log' }>;

export interface FollowLogsOptions {
  /** Only of this container. */
  container?: string | undefined;
  /** Go on with new lines as they come. */
  follow: boolean;
  /** Only the last lines. */
  tail?: number | undefined;
  /** RFC 3339. */
  since?: string | undefined;
  signal: AbortSignal;
}

/** While it is followed, an application that has just left its host is looked for that long. */
const lookForMs = 30_000;

/**
 * Ends after the last line, or, followed, when `signal` is aborted or the application has gone.
 * @throws CmigError `not-found`, `unreachable`
 */
export async function* followLogs(
  context: OrchestratorContext,
  found: Application,
  { container, follow, since, signal, ...options }: FollowLogsOptions,
): AsyncGenerator<LogLine> {
  let application = found;
  let { tail } = options;
  /** Container -> time of the last line shown. */
  const shown = new Map<string, string>();
  for (;;) {
    // After a move the new host has the old lines too.
    const before = new Map(shown);
    const earliest = [...before.values()].sort()[0] ?? since;
    const params = {
      name: application.metadata.name,
      follow,
      ...(container === undefined ? {} : { container }),
      ...(tail === undefined ? {} : { tail }),
      ...(earliest === undefined ? {} : { since: earliest }),
    };
    const stream = await context.rpc.openStream(application.status.host, 'application.logs', params, {
      signal,
    });
    try {
      for await (const frame of stream) {
        if (frame.type !== 'log' || frame.time <= (before.get(frame.container) ?? '')) continue;
        shown.set(frame.container, frame.time);
        yield frame;
      }
    } catch (error) {
      if (!follow || !['unreachable', 'not-found'].includes(codeOf(error))) throw error;
    } finally {
      void stream.close();
    }
    if (signal.aborted || !follow) return;
    if (shown.size > 0) tail = undefined;
    const next = await whereNow(context, application);
    if (!next) return;
    application = next;
  }
}

/** Where it runs after its stream ended: undefined where it ended for good or still is where it was. */
async function whereNow(context: OrchestratorContext, before: Application): Promise<Application | undefined> {
  const until = performance.now() + lookForMs;
  while (performance.now() < until) {
    try {
      const inventory = await readInventory(context, { parts: ['applications'] });
      const now = findApplication(inventory, before.metadata.name);
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
