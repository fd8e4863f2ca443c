// Starts a stopped application.
import type { Application } from '../contract/application.ts';
import { changeApplication } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/**
 * Ends when it is ready, and answers how it is then. Its mutex is not kept for as long: see `deployPlanned`.
 * @throws CmigError `not-found`, `conflict` (also where it was changed, stopped or deleted before it was ready),
 * `unreachable`, `timeout`
 */
export async function startApplication(
  context: OrchestratorContext,
  name: string,
  { timeoutMs = 0 }: { timeoutMs?: number | undefined } = {},
): Promise<Application> {
  const { ended } = await changeApplication(context, name, 'cmig start', async ({ status }) => {
    const { promise: accepted, resolve: onAccepted } = Promise.withResolvers<void>();
    const ended = context.rpc.callLong(status.host, 'application.start', { name }, { timeoutMs, onAccepted });
    ended.catch(() => {});
    await Promise.race([accepted, ended]);
    return { ended };
  });
  return ended;
}
