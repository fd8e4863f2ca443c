// Removes an application with all that belongs to it.
import type { Application } from '../contract/application.ts';
import { changeApplication } from './changing.ts';
import type { OrchestratorContext } from './context.ts';

/**
 * Stops it, and removes its containers, volumes and address. Answers what it was.
 * @throws CmigError `not-found`, `conflict` (another operation under way), `unreachable`
 */
export const deleteApplication = (context: OrchestratorContext, name: string): Promise<Application> =>
  changeApplication(context, name, 'cmig delete', async (application) => {
    await context.rpc.callLong(application.status.host, 'application.delete', { name });
    return application;
  });
