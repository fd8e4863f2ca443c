// Where an application is, for commands that talk to its host.
import type { Application } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { findApplication, readInventory } from '../orchestrator/inventory.ts';
import type { Session } from './session.ts';

/** @throws CmigError `not-found` with near names */
export async function locateApplication(session: Session, name: string): Promise<Application> {
  return findApplication(await readInventory(session, { parts: ['applications'] }), name);
}

/** @throws CmigError `not-found` where the application has no such container */
export function checkContainer(application: Application, container: string | undefined): void {
  if (container === undefined) return;
  const names = application.spec.containers.map(({ name }) => name);
  if (names.includes(container)) return;
  throw new CmigError(
    'not-found',
    `the application "${application.metadata.name}" has no container "${container}"`,
    { hint: didYouMean(container, names) ?? `its containers are ${names.join(', ')}` },
  );
}
