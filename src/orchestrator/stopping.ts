// Ends the containers of an application and keeps its files.
import type { Application } from '../contract/application.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { type ChangeOptions, changeApplication, goesOn } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/** Answers how it is then. @throws CmigError `not-found`, `conflict`, `unreachable`, `timeout`, `cancelled` */
export const stopApplication = (
  context: OrchestratorContext,
  name: string,
  { timeoutMs = 0, signal }: ChangeOptions = {},
): Promise<Application> =>
  changeApplication(
    context,
    name,
    'cmig stop',
    ({ status: { host } }) => {
      const stopping = context.rpc.callLong(host, 'application.stop', { name }, { timeoutMs });
      const hint = goesOn(host, `stopping ${name}`, `cmig get application ${name}`);
      return unlessAborted(stopping, signal, 'cmig stop', hint);
    },
    signal,
  );
