// Removes an application with all that belongs to it.
import type { Application } from '../contract/application.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import { type ChangeOptions, changeApplication, goesOn } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/**
 * Stops it, and removes its containers, volumes and address. Answers what it was.
 * @throws CmigError `not-found`, `conflict` (another operation under way), `unreachable`, `cancelled`
 */
export const deleteApplication = (
  context: OrchestratorContext,
  name: string,
  { signal }: Pick<ChangeOptions, 'signal'> = {},
): Promise<Application> =>
  changeApplication(
    context,
    name,
    'cmig delete',
    async (application) => {
      const { host } = application.status;
      const deleting = context.rpc.callLong(host, 'application.delete', { name });
      const hint = goesOn(host, `deleting ${name}`, 'cmig get applications');
      await unlessAborted(deleting, signal, 'cmig delete', hint);
      return application;
    },
    signal,
  );
