// What every change of an application that exists has in common: one at a time, and where it runs at that moment.
import type { Application } from '../contract/application.ts';
import { CmigError } from '../core/errors.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import type { OrchestratorContext } from './context.ts';
import { withApplicationMutex } from './exclusive.ts';
import { findApplication } from './finding.ts';
import { readInventory } from './inventory.ts';

export interface ChangeOptions {
  /** How long it may take; no limit if absent. */
  timeoutMs?: number | undefined;
  /** Aborted: its end is not waited for. */
  signal?: AbortSignal | undefined;
}

/**
 * Finds the application under its mutex and hands it to `change`.
 * @param doing what whoever finds the mutex taken is told, such as `cmig stop`
 * @param signal aborted: nothing is begun; what `change` has begun is its own affair
 * @throws CmigError `not-found` with near names; `cancelled`; `conflict` where it is being migrated or changed by another
 */
export function changeApplication<T>(
  context: OrchestratorContext,
  name: string,
  doing: string,
  change: (application: Application) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return withApplicationMutex(context, name, doing, async () => {
    const reading = readInventory(context, { parts: ['applications'] });
    const application = findApplication(await unlessAborted(reading, signal, doing), name);
    const { phase, migration } = application.status;
    if (phase === 'Migrating' || phase === 'Incoming') {
      throw new CmigError('conflict', `application ${name} is being migrated`, {
        hint: `wait for it to end: cmig get migration ${migration ?? ''}`.trimEnd(),
      });
    }
    if (phase === 'Checkpointing' || phase === 'Restoring') {
      throw new CmigError(
        'conflict',
        `application ${name} is being ${phase === 'Restoring' ? 'restored' : 'checkpointed'}`,
        {
          hint: 'wait until that has ended: cmig get applications -w',
        },
      );
    }
    return change(application);
  });
}

/** For who does not wait for the end of what a host does, such as `stopping shop`. */
export const goesOn = (host: string, what: string, look: string): string =>
  `${host} goes on ${what}; see its end with: ${look}`;
