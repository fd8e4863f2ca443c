// After a restart of the agent: what becomes of an application that this host has committed.
import type { ApplicationRecord } from '../store/application-store.ts';
import type { DestinationMigration } from './destination-migration.ts';
import type { DestinationRecord } from './journal.ts';
import type { Machine } from './machine.ts';

/**
 * While the source has not said that it has let go, a person may have given the application back to it. What runs
 * here nonetheless is not touched unless the source says so; what does not is not started before.
 * @param open takes the migration up again
 */
export async function recoverCommitted(
  machine: Machine,
  record: DestinationRecord,
  open: () => DestinationMigration,
): Promise<void> {
  const { applications, supervisor, journal, context } = machine;
  const application = await applications.get(record.application);
  if (record.setAside) return;
  if (application?.epoch !== record.epoch) {
    // It has moved on, or was deleted: whatever the source says, nothing here depends on it.
    if (!record.confirmed) await journal.save({ ...record, confirmed: true });
    return;
  }
  // Taken into care before: opening once more would disturb what runs.
  if (application.migration?.id !== record.id && !record.adopted) {
    record.adopted = true;
    await journal.save(record);
  }
  if (record.adopted && record.confirmed) return;
  const migration = open();
  const report = (error: unknown): void =>
    context.log.error({ err: error, migration: record.id }, 'a migration could not be ended');
  const isElsewhere = application.migration !== undefined && application.migration.id !== record.id;
  const isStopped = application.desired === 'stopped';
  if (record.adopted && (isStopped || isElsewhere || (await runs(machine, application)))) {
    migration.confirm().catch(report);
    return;
  }
  await supervisor.suspend(record.application, { id: record.id, role: 'destination' });
  // It may wait for the other host, which must not keep this agent from serving.
  migration.recover().catch(report);
}

async function runs({ runc }: Machine, { manifest }: ApplicationRecord): Promise<boolean> {
  const { name: application } = manifest.metadata;
  const states = manifest.spec.containers.map(({ name }) => runc.state(application, name));
  return (await Promise.all(states)).some((state) => state?.status === 'running');
}
