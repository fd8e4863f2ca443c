// All applications of this host: deployed, started, stopped, deleted, handed to and taken from migrations.
import { isDeepStrictEqual } from 'node:util';
import type { Application } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import { macOf } from '../network/application-network.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { ImageStore } from '../store/image-store.ts';
import { checkDeployment, type DeployRequest, replaceContainers, startOrFail } from './deployment.ts';
import { ExitWatcher } from './exit-watcher.ts';
import { removeOrphans } from './orphans.ts';
import { applyPolicy } from './policy.ts';
import { type NewerClaim, setAside } from './set-aside.ts';
import { type ApplicationDependencies, SupervisedApplication } from './supervised-application.ts';
import type { SupervisedContainer } from './supervised-container.ts';

/** Processes whose shim was killed leave no exit file; they are missed after so long. */
const lookEveryMs = 3000;

export class Supervisor {
  readonly #it: ApplicationDependencies;
  readonly #images: ImageStore;
  readonly #applications = new Map<string, SupervisedApplication>();
  readonly #exits: ExitWatcher;
  #timer: NodeJS.Timeout | undefined;

  constructor(dependencies: ApplicationDependencies, images: ImageStore) {
    this.#it = dependencies;
    this.#images = images;
    this.#exits = new ExitWatcher(dependencies.context.paths, (application, container) => {
      void this.#applications.get(application)?.container(container)?.exited();
    });
  }

  // ---- what is there ----

  list(): Application[] {
    return [...this.#applications.values()].map(describe).sort(byName);
  }
  describe(name: string): Application {
    return describe(this.application(name));
  }
  has(name: string): boolean {
    return this.#applications.has(name);
  }
  record(name: string): ApplicationRecord {
    return this.application(name).record;
  }
  records(): ApplicationRecord[] {
    return [...this.#applications.values()].map(({ record }) => record);
  }

  /** @throws CmigError `not-found` */
  application(name: string): SupervisedApplication {
    const application = this.#applications.get(name);
    if (!application)
      throw new CmigError('not-found', `there is no application ${name} on ${this.#it.context.config.name}`, {
        hint: 'see `cmig get applications`',
      });
    return application;
  }

  /** The named container, or the only one. @throws CmigError `not-found`, `invalid` where the name is needed */
  container(name: string, container: string | undefined): SupervisedContainer {
    const application = this.application(name);
    const names = application.containers.map((each) => each.name);
    if (container === undefined) {
      if (application.containers.length === 1) return application.containers[0]!;
      throw new CmigError('invalid', `${name} has several containers`, {
        hint: `choose one with -c: ${names.join(', ')}`,
      });
    }
    const found = application.container(container);
    if (!found)
      throw new CmigError('not-found', `${name} has no container ${container}`, {
        hint: `it has ${names.join(', ')}`,
      });
    return found;
  }

  /** Is an operation under way for any of them? */
  get isBusy(): boolean {
    return [...this.#applications.values()].some(({ busy }) => busy !== undefined);
  }

  // ---- operations, one at a time for an application ----

  /**
   * Does `work` while nothing else is done to the application.
   * @param operation a verb, for who comes second. @throws CmigError `conflict` that says what is under way
   */
  async exclusive<T>(name: string, operation: string, work: () => Promise<T>): Promise<T> {
    const application = this.#applications.get(name);
    if (!application) return work();
    const { busy, record } = application;
    if (busy) throw underWay(name, `${operation} is not possible now`, `its ${busy} is under way`);
    if (record.migration)
      throw underWay(
        name,
        `${operation} is not possible now`,
        `its ${wordsOf(record.migration)} is under way`,
      );
    application.busy = operation;
    application.changed();
    try {
      return await work();
    } finally {
      application.busy = undefined;
      application.changed();
    }
  }

  /** @throws CmigError `invalid`, `not-found` (image), `conflict`, `tool-failed`, `timeout` (not ready) */
  async deploy(request: DeployRequest): Promise<Application> {
    const { manifest, images, address } = request;
    const { name } = manifest.metadata;
    applyPolicy(request.manifest, this.#it.context.config);
    await checkDeployment(request, this.#images);
    const current = this.#applications.get(name);
    // A start that failed and a removal that did are as good as never asked for.
    const isGiven = current && !current.failure && !current.record.deleting;
    // Where it first ran stays: its connections to the world go through there.
    const host = current?.record.manifest.spec.host ?? manifest.spec.host;
    const next: ApplicationRecord = {
      manifest: { ...manifest, spec: { ...manifest.spec, host } },
      images,
      address,
      mac: current?.record.mac ?? macOf(name),
      epoch: current?.record.epoch ?? 1,
      desired: isGiven ? current.record.desired : 'running',
      createdAt: current?.record.createdAt ?? new Date().toISOString(),
    };
    if (!current) this.#checkAddress(name, address);
    else if (isDeepStrictEqual(comparable(next), comparable(current.record)) && isGiven)
      return describe(current);
    else if (current.record.address !== address) this.#checkAddress(name, address);
    const application = current ?? new SupervisedApplication(next, this.#it);
    this.#applications.set(name, application);
    return this.exclusive(name, 'deploy', async () => {
      await replaceContainers(application, next, this.#it).finally(() =>
        this.#images.holds.release(Object.values(application.record.images)),
      );
      this.#it.context.events.publish('application.deployed', { application: name, address });
      return describe(application);
    }).then(() => describe(application));
  }

  async start(name: string): Promise<Application> {
    const application = this.application(name);
    await this.exclusive(name, 'start', async () => {
      const { deleting: _, ...record } = application.record;
      await application.put({ ...record, desired: 'running' });
      await startOrFail(application, this.#it.context.log);
      this.#it.context.events.publish('application.started', { application: name });
    });
    return describe(application);
  }

  async stop(name: string): Promise<Application> {
    const application = this.application(name);
    await this.exclusive(name, 'stop', async () => {
      await application.put({ ...application.record, desired: 'stopped' });
      application.failure = undefined;
      await application.stop();
      this.#it.context.events.publish('application.stopped', { application: name });
    });
    return describe(application);
  }

  async delete(name: string): Promise<void> {
    const application = this.application(name);
    await this.exclusive(name, 'delete', async () => {
      // Should this agent be killed on the way, the next one goes on.
      await application.put({ ...application.record, desired: 'stopped', deleting: true });
      await application.stop();
      await this.#erase(application);
      this.#it.context.events.publish('application.deleted', { application: name });
    });
  }

  // ---- for migrations ----

  /**
   * Hands the application to a migration: its status says so, nothing of ours is inside it any more (probes, exec
   * sessions), and its exits are the migration's. On disk when it settles. May be called again.
   * @throws CmigError `conflict` while something else is done to it; `not-found`
   */
  async suspend(name: string, migration: NonNullable<ApplicationRecord['migration']>): Promise<void> {
    const application = await this.#known(name);
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
    const application = await this.#known(name);
    const { migration: _, ...record } = application.record;
    await application.put(record);
    await application.resume();
  }

  /** As `resume`, but its processes were ended: it is stopped. */
  async resumeStopped(name: string): Promise<void> {
    const application = await this.#known(name);
    const { migration: _, ...record } = application.record;
    await application.put({ ...record, desired: 'stopped' });
    await application.stop();
    await application.resume();
    this.#it.context.events.publish('application.stopped', { application: name });
  }

  /** The containers of `record` were restored here: from now on they are supervised. On disk when it settles. */
  async adopt(record: ApplicationRecord): Promise<void> {
    const { migration: _, ...kept } = record;
    const { name } = record.manifest.metadata;
    const application = this.#applications.get(name) ?? new SupervisedApplication(kept, this.#it);
    await application.put(kept);
    this.#applications.set(name, application);
    await application.adopt();
  }

  /** Removes all of it from this host: processes, mounts, network, files. Nothing is an error that is gone already. */
  async forget(name: string): Promise<void> {
    const application = await this.#known(name).catch(() => undefined);
    if (application) await this.#erase(application);
    else await this.#it.network.destroy(name);
  }

  /** On disk when it settles; for an application that a migration has. */
  async raiseEpoch(name: string, epoch: number): Promise<void> {
    const application = await this.#known(name);
    if (application.record.epoch >= epoch) return;
    await application.put({ ...application.record, epoch });
  }

  /**
   * Another host has the application: what runs of it here ends, and its files are kept aside, where nobody starts
   * them. May be called again. @returns the folder, or undefined where there was nothing
   */
  async setAside(name: string, newer: NewerClaim): Promise<string | undefined> {
    const application = await this.#known(name).catch(() => undefined);
    if (!application) return undefined;
    const folder = await setAside(application, this.#it, newer);
    this.#applications.delete(name);
    return folder;
  }

  /** Tells the world of all of them, for whoever could not hear of them before. */
  announce(name?: string): void {
    for (const application of this.#applications.values())
      if (name === undefined || application.name === name) application.changed();
  }

  // ---- life of the agent ----

  /** Reads what is on disk and takes what runs under supervision without touching it. */
  async reconcile(): Promise<void> {
    await this.#it.store.sweep();
    for (const record of await this.#it.store.list()) {
      const application = new SupervisedApplication(record, this.#it);
      this.#applications.set(application.name, application);
      await application.adopt();
    }
    await this.#exits.start();
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** What runs or is mounted though nobody has a record of it; only when no migration is undecided any more. */
  removeOrphans(): Promise<void> {
    return removeOrphans(this.#it, (name) => this.has(name));
  }

  /** Goes on, in the background, with the deletions during which an agent was killed. */
  finishDeletions(): void {
    for (const { record, name } of this.#applications.values())
      if (record.deleting && !record.migration)
        void this.delete(name).catch((error) => {
          this.#it.context.log.error({ err: error, application: name }, 'could not be deleted');
        });
  }

  /** Starts, in the background, what should run and does not: after a reboot that is everything. */
  startWanted(only?: string): void {
    for (const application of this.#applications.values()) {
      const { record, containers, name } = application;
      if (only !== undefined && name !== only) continue;
      if (record.migration || record.desired !== 'running') continue;
      const cared = containers.every((each) => each.state === 'Running' || each.isOver || each.isRestarting);
      if (cared) continue;
      const { log } = this.#it.context;
      void this.exclusive(name, 'start', () => startOrFail(application, log, { leaveDone: true })).catch(
        (error) => log.error({ err: error, application: name }, 'could not be started again'),
      );
    }
  }

  /** Leaves all that runs to itself. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#exits.stop();
    await Promise.all([...this.#applications.values()].map((application) => application.leave()));
  }

  /** One that is on disk, though nobody has told of it. @throws CmigError `not-found` */
  async #known(name: string): Promise<SupervisedApplication> {
    const record = this.#applications.has(name) ? undefined : await this.#it.store.get(name);
    if (record) this.#applications.set(name, new SupervisedApplication(record, this.#it));
    return this.application(name);
  }

  async #look(): Promise<void> {
    for (const application of this.#applications.values())
      for (const container of application.containers) await container.look();
  }

  async #erase(application: SupervisedApplication): Promise<void> {
    await application.removeRuntime();
    await application.leave();
    await this.#it.store.remove(application.name);
    this.#applications.delete(application.name);
  }

  #checkAddress(name: string, address: string): void {
    for (const { record } of this.#applications.values())
      if (record.address === address && record.manifest.metadata.name !== name)
        throw new CmigError(
          'conflict',
          `the address ${address} is taken by ${record.manifest.metadata.name}`,
          {
            hint: 'choose another spec.network.address, or leave it out to have one chosen',
          },
        );
  }
}

function describe(application: SupervisedApplication): Application {
  const { apiVersion, kind, metadata, spec } = application.record.manifest;
  return { apiVersion, kind, metadata, spec, status: application.status() };
}

const byName = (a: Application, b: Application): number => (a.metadata.name < b.metadata.name ? -1 : 1);

const underWay = (name: string, what: string, why: string): CmigError =>
  new CmigError('conflict', `${name}: ${what}: ${why}`, { hint: 'wait until it has ended' });

type Under = NonNullable<ApplicationRecord['migration']>;
const nameOf = ({ role }: Under): string =>
  role === 'checkpoint' || role === 'restore' ? role : 'migration';
const wordsOf = (under: Under): string =>
  nameOf(under) === 'migration' ? `migration ${under.id}` : nameOf(under);

/** What a deployment can change. */
const comparable = ({ manifest, images, address }: ApplicationRecord): object => ({
  manifest,
  images,
  address,
});
