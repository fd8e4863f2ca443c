// What applications are handed to and taken back from: migrations, checkpoints and restores, other hosts that have them.
import type { ApplicationRecord } from '../store/application-store.ts';
import { LocalApplications, nameOf, underWay, wordsOf } from './local-applications.ts';
import { type NewerClaim, setAside } from './set-aside.ts';
import { SupervisedApplication } from './supervised-application.ts';

export class HandedOverApplications extends LocalApplications {
  /**
   * Hands the application to a migration: its status says so, nothing of ours is inside it any more (probes, exec
   * sessions), and its exits are the migration's. On disk when it settles. May be called again.
   * @throws CmigError `conflict` while something else is done to it; `not-found`
   */
  async suspend(name: string, migration: NonNullable<ApplicationRecord['migration']>): Promise<void> {
    const application = await this.known(name);
    const under = application.record.migration;
    if (under && under.id !== migration.id)
      throw underWay(name, `${nameOf(migration)} is not possible now`, `its ${wordsOf(under)} is under way`);
    if (application.busy)
      throw underWay(
        name,
        `${nameOf(migration)} is not possible now`,
        `its ${application.busy} is under way`,
      );
    if (!under) await application.put({ ...application.record, migration });
    await application.suspend();
  }

  /** The migration is over and the application stays here, as it runs. */
  async resume(name: string): Promise<void> {
    const application = await this.known(name);
    const { migration: _, ...record } = application.record;
    await application.put(record);
    await application.resume();
  }

  /** As `resume`, but its processes were ended: it is stopped. */
  async resumeStopped(name: string): Promise<void> {
    const application = await this.known(name);
    const { migration: _, ...record } = application.record;
    await application.put({ ...record, desired: 'stopped' });
    await application.stop();
    await application.resume();
    this.it.context.events.publish('application.stopped', { application: name });
  }

  /** The containers of `record` were restored here: from now on they are supervised. On disk when it settles. */
  async adopt(record: ApplicationRecord): Promise<void> {
    const { migration: _, ...kept } = record;
    const { name } = record.manifest.metadata;
    const application = this.applications.get(name) ?? new SupervisedApplication(kept, this.it);
    await application.put(kept);
    this.applications.set(name, application);
    await application.adopt();
  }

  /** Removes all of it from this host: processes, mounts, network, files. Nothing is an error that is gone already. */
  async forget(name: string): Promise<void> {
    const application = await this.known(name).catch(() => undefined);
    if (application) await this.erase(application);
    else await this.it.network.destroy(name);
  }

  /** On disk when it settles; for an application that a migration has. */
  async raiseEpoch(name: string, epoch: number): Promise<void> {
    const application = await this.known(name);
    if (application.record.epoch >= epoch) return;
    await application.put({ ...application.record, epoch });
  }

  /**
   * Another host has the application: what runs of it here ends, and its files are kept aside, where nobody starts
   * them. May be called again. @returns the folder, or undefined where there was nothing
   */
  async setAside(name: string, newer: NewerClaim): Promise<string | undefined> {
    const application = await this.known(name).catch(() => undefined);
    if (!application) return undefined;
    const folder = await setAside(application, this.it, newer);
    this.applications.delete(name);
    return folder;
  }

  protected async erase(application: SupervisedApplication): Promise<void> {
    await application.removeRuntime();
    await application.leave();
    await this.it.store.remove(application.name);
    this.applications.delete(application.name);
  }
}
