// A person's word on a migration that waits for a host which is lost.
import type { Migration, Resolution } from '../../contract/migration.ts';
import { CmigError } from '../../core/errors.ts';
import { didYouMean } from '../../core/near-names.ts';
import type { OrchestratorContext } from '../context.ts';
import { withApplicationMutex } from '../exclusive.ts';
import { type Inventory, readInventory } from '../inventory.ts';

export interface ResolutionPlan {
  migration: Migration;
  /** Whose agent is told: the host that waits. */
  host: string;
  /** The host that waits gives up its copy, and nobody says that the other one has one. */
  givesUp: boolean;
}

/** @throws CmigError `not-found` with near names, and with the hosts that could not be asked */
export function findMigration({ migrations, unreachable }: Inventory, id: string): Migration {
  const found = migrations.find(({ metadata }) => metadata.name === id);
  if (found) return found;
  const names = migrations.map(({ metadata }) => metadata.name);
  const unasked = unreachable.length > 0 && `${unreachable.join(', ')} did not answer and may know it`;
  throw new CmigError('not-found', `there is no migration "${id}"`, {
    hint: didYouMean(id, names) ?? (unasked || 'cmig get migrations lists them'),
  });
}

/** Looks who waits for whom, and changes nothing. */
export async function planResolution(
  context: OrchestratorContext,
  id: string,
  to: Resolution['to'],
): Promise<ResolutionPlan> {
  const migration = findMigration(await readInventory(context, { parts: ['migrations'] }), id);
  const { journals = [], role, host } = migration.status;
  const destinationIsSilent = !journals.includes(migration.spec.to);
  return {
    migration,
    host,
    givesUp: to === 'destination' && role === 'source' && destinationIsSilent,
  };
}

/**
 * Answers how it then stands with the migration.
 * @param confirmed the person knows that the copy of `plan.host` is given up
 * @throws CmigError `conflict` that says why it is not possible, or not yet; `unreachable`
 */
export function resolveMigration(
  context: OrchestratorContext,
  { migration, host }: ResolutionPlan,
  { to, confirmed = false }: { to: Resolution['to']; confirmed?: boolean },
): Promise<Migration> {
  const params = { migration: migration.metadata.name, to, ...(confirmed ? { confirmed } : {}) };
  return withApplicationMutex(context, migration.spec.application, 'cmig migration resolve', () =>
    context.rpc.callLong(host, 'migration.resolve', params),
  );
}
