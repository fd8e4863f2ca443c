// Starts a stopped application.
import type { Application } from '../contract/application.ts';
import { changeApplication } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/** Ends when it is ready, and answers how it is then. @throws CmigError `not-found`, `conflict`, `unreachable`, `timeout` */
export const startApplication = (
  context: OrchestratorContext,
  name: string,
  options: { timeoutMs?: number | undefined } = {},
): Promise<Application> =>
  changeApplication(context, name, 'cmig start', ({ status }) =>
    context.rpc.callLong(status.host, 'application.start', { name }, { timeoutMs: options.timeoutMs ?? 0 }),
  );
