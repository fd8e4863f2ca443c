// Starts a stopped application.
import type { Application } from '../contract/application.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { type ChangeOptions, changeApplication, goesOn } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/**
 * Ends when it is ready, and answers how it is then. Its mutex is not kept for as long: see `deployPlanned`.
 * @throws CmigError `not-found`, `conflict` (also where it was changed, stopped or deleted before it was ready),
 * `unreachable`, `timeout`, `cancelled`
 */
export async function startApplication(
  context: OrchestratorContext,
  name: string,
  { timeoutMs = 0, signal }: ChangeOptions = {},
): Promise<Application> {
  const doing = 'cmig start';
  const { ended, host } = await changeApplication(
    context,
    name,
    doing,
    async ({ status: { host } }) => {
      const { promise: accepted, resolve: onAccepted } = Promise.withResolvers<void>();
      const ended = context.rpc.callLong(host, 'application.start', { name }, { timeoutMs, onAccepted });
      ended.catch(() => {});
      await Promise.race([accepted, ended]);
      return { ended, host };
    },
    signal,
  );
  const hint = goesOn(host, `starting ${name}`, `cmig get application ${name}`);
  return unlessAborted(ended, signal, doing, hint);
}
