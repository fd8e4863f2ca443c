// Ends the containers of an application and keeps its files.
import type { Application } from '../contract/application.ts';
import { changeApplication } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/** Answers how it is then. @throws CmigError `not-found`, `conflict`, `unreachable`, `timeout` */
export const stopApplication = (
  context: OrchestratorContext,
  name: string,
  options: { timeoutMs?: number | undefined } = {},
): Promise<Application> =>
  changeApplication(context, name, 'cmig stop', ({ status }) =>
    context.rpc.callLong(status.host, 'application.stop', { name }, { timeoutMs: options.timeoutMs ?? 0 }),
  );
