// Supervises the applications of this host: deployed, started, stopped and deleted, and kept running.
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Application } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import { macOf } from '../network/application-network.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { ImageStore } from '../store/image-store.ts';
import { checkDeployment, type DeployRequest, replaceContainers, startOrFail } from './deployment.ts';
import { ExitWatcher } from './exit-watcher.ts';
import { HandedOverApplications } from './handed-over-applications.ts';
import { describe } from './local-applications.ts';
import { removeOrphans } from './orphans.ts';
import { applyPolicy } from './policy.ts';
import { type ApplicationDependencies, SupervisedApplication } from './supervised-application.ts';

/** Processes whose shim was killed leave no exit file; they are missed after so long. */
const lookEveryMs = 3000;

export class Supervisor extends HandedOverApplications {
  readonly #images: ImageStore;
  readonly #exits: ExitWatcher;
  #timer: NodeJS.Timeout | undefined;

  constructor(dependencies: ApplicationDependencies, images: ImageStore) {
    super(dependencies);
    this.#images = images;
    this.#exits = new ExitWatcher(dependencies.context.paths, (application, container) => {
      void this.applications.get(application)?.container(container)?.exited();
    });
  }

  /**
   * @throws CmigError `invalid`, `not-found` (image), `conflict` (also where it was changed, stopped or deleted before
   * it was ready), `tool-failed`, `timeout` (not ready)
   */
  async deploy(request: DeployRequest): Promise<Application> {
    const { address } = request;
    const { name } = request.manifest.metadata;
    applyPolicy(request.manifest, this.it.context.config);
    await checkDeployment(request, this.#images, this.it.context);
    // What it is to be already may become ready in peace; what it is not to be any more is not waited for.
    if (this.#planned(request).isSame) return this.describe(name);
    if (this.applications.has(name)) await this.withoutStart(name, 'changed');
    const { current, next } = this.#planned(request);
    if (current?.record.address !== address) this.#checkAddress(name, address);
    const application = current ?? new SupervisedApplication(next, this.it);
    this.applications.set(name, application);
    return this.exclusive(name, 'deploy', async (signal) => {
      await replaceContainers(application, next, this.it, signal)
        .catch(async (error) => {
          // Of one that could not even be written down nothing is there, and nothing is told of.
          if (!current && !existsSync(this.it.context.paths.applicationFile(name)))
            await this.erase(application).finally(() => this.applications.delete(name));
          throw error;
        })
        .finally(() => this.#images.holds.release(Object.values(application.record.images)));
      this.it.context.events.publish('application.deployed', { application: name, address });
      return describe(application);
    }).then(() => describe(application));
  }

  /** What a deployment makes of it, by how it is now. */
  #planned({ manifest, images, address }: DeployRequest) {
    const { name } = manifest.metadata;
    const current = this.applications.get(name);
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
    const isSame = isGiven && isDeepStrictEqual(comparable(next), comparable(current.record));
    return { current, next, isSame };
  }

  async start(name: string): Promise<Application> {
    const application = this.application(name);
    await this.exclusive(name, 'start', async (signal) => {
      const { deleting: _, ...record } = application.record;
      await application.put({ ...record, desired: 'running' });
      await startOrFail(application, this.it.context.log, signal);
      this.it.context.events.publish('application.started', { application: name });
    });
    return describe(application);
  }

  async stop(name: string): Promise<Application> {
    const application = await this.withoutStart(name, 'stopped');
    await this.exclusive(name, 'stop', async () => {
      await application.put({ ...application.record, desired: 'stopped' });
      application.failure = undefined;
      await application.stop();
      this.it.context.events.publish('application.stopped', { application: name });
    });
    return describe(application);
  }

  async delete(name: string): Promise<void> {
    const application = await this.withoutStart(name, 'deleted');
    await this.exclusive(name, 'delete', async () => {
      // Should this agent be killed on the way, the next one goes on.
      await application.put({ ...application.record, desired: 'stopped', deleting: true });
      await application.stop();
      await this.erase(application);
      this.it.context.events.publish('application.deleted', { application: name });
    });
  }

  // ---- life of the agent ----

  /** Reads what is on disk and takes what runs under supervision without touching it. */
  async reconcile(): Promise<void> {
    await this.it.store.sweep();
    for (const record of await this.it.store.list()) {
      const application = new SupervisedApplication(record, this.it);
      this.applications.set(application.name, application);
      await application.adopt();
    }
    await this.#exits.start();
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** What runs or is mounted though nobody has a record of it; only when no migration is undecided any more. */
  removeOrphans(): Promise<void> {
    return removeOrphans(this.it, (name) => this.has(name));
  }

  /** Goes on, in the background, with the deletions during which an agent was killed. */
  finishDeletions(): void {
    for (const { record, name } of this.applications.values())
      if (record.deleting && !record.migration)
        void this.delete(name).catch((error) => {
          this.it.context.log.error({ err: error, application: name }, 'could not be deleted');
        });
  }

  /** Starts, in the background, what should run and does not: after a reboot that is everything. */
  startWanted(only?: string): void {
    for (const application of this.applications.values()) {
      const { record, containers, name } = application;
      if (only !== undefined && name !== only) continue;
      if (record.migration || record.desired !== 'running') continue;
      const cared = containers.every((each) => each.state === 'Running' || each.isOver || each.isRestarting);
      if (cared) continue;
      const { log } = this.it.context;
      void this.exclusive(name, 'start', (signal) =>
        startOrFail(application, log, signal, { leaveDone: true }),
      ).catch((error) => log.error({ err: error, application: name }, 'could not be started again'));
    }
  }

  /** Leaves all that runs to itself. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#exits.stop();
    await Promise.all([...this.applications.values()].map((application) => application.leave()));
  }

  async #look(): Promise<void> {
    for (const application of this.applications.values())
      for (const container of application.containers) await container.look();
  }

  #checkAddress(name: string, address: string): void {
    for (const { record } of this.applications.values())
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

/** What a deployment can change. */
const comparable = ({ manifest, images, address }: ApplicationRecord): object => ({
  manifest,
  images,
  address,
});
