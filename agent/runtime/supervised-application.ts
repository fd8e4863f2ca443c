// One application under supervision: its containers in their order, its phase, its status.
import type { ApplicationStatus } from '../../src/contract/application.ts';
import type { CmigError } from '../../src/core/errors.ts';
import type { AgentContext } from '../context.ts';
import type { ApplicationNetwork } from '../network/application-network.ts';
import type { ApplicationRecord, ApplicationStore } from '../store/application-store.ts';
import { type Phase, phaseOf } from './application-phase.ts';
import { removeApplicationCgroup } from './cgroup-folders.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { startWaves } from './start-order.ts';
import { SupervisedContainer } from './supervised-container.ts';
import { waitUntilReady } from './wait-until-ready.ts';

export interface ApplicationDependencies {
  context: Pick<AgentContext, 'config' | 'paths' | 'programs' | 'events' | 'log'>;
  runtime: ContainerRuntime;
  network: ApplicationNetwork;
  store: ApplicationStore;
}

/** Changes that come together are told together, after so long. */
const publishAfterMs = 20;

export class SupervisedApplication {
  record: ApplicationRecord;
  /** The operation under way, as a verb: there is one at a time. */
  busy: string | undefined;
  /** Asks that operation to start nothing more and to wait for nothing to become ready; settles when it has ended. */
  giveUp: ((reason: CmigError) => Promise<void>) | undefined;
  /** Why it could not be started. */
  failure: string | undefined;
  readonly #it: ApplicationDependencies;
  #containers = new Map<string, SupervisedContainer>();
  #publishing: NodeJS.Timeout | undefined;
  #gone = false;

  constructor(record: ApplicationRecord, dependencies: ApplicationDependencies) {
    this.record = record;
    this.#it = dependencies;
    this.#matchContainers();
  }

  get name(): string {
    return this.record.manifest.metadata.name;
  }
  get containers(): SupervisedContainer[] {
    return [...this.#containers.values()];
  }
  container(name: string): SupervisedContainer | undefined {
    return this.#containers.get(name);
  }

  get phase(): Phase {
    return phaseOf({
      desired: this.record.desired,
      migrationRole: this.record.migration?.role,
      deploying: this.busy === 'deploy',
      failed: this.failure !== undefined,
      restartPolicy: this.record.manifest.spec.restartPolicy ?? 'Always',
      containers: this.containers.map((container) => container.status()),
    });
  }

  status(): ApplicationStatus {
    const { epoch, address, mac, createdAt, migration } = this.record;
    const message = this.failure ?? this.#it.network.problem(this.name);
    return {
      host: this.#it.context.config.name,
      phase: this.phase,
      epoch,
      address,
      mac,
      containers: this.containers.map((container) => container.status()),
      createdAt,
      ...(migration?.role === 'source' || migration?.role === 'destination'
        ? { migration: migration.id }
        : {}),
      ...(message ? { message } : {}),
    };
  }

  /** Keeps the record, on disk first. */
  async put(record: ApplicationRecord): Promise<void> {
    await this.#it.store.put(record);
    this.record = record;
    this.#matchContainers();
    this.changed();
  }

  /** Says so to the world, soon. */
  changed(): void {
    if (this.#gone || this.#publishing) return;
    this.#publishing = setTimeout(() => {
      this.#publishing = undefined;
      this.#it.context.events.publish('application.changed', {
        application: this.name,
        status: this.status(),
      });
    }, publishAfterMs);
  }

  /**
   * Starts what does not run, each container when those it depends on are ready; settles when all are ready.
   * @param signal aborted: nothing more is started or waited for, and its reason is thrown
   * @param leaveDone those that have done their work, and are not restarted by themselves, are not started either
   */
  async start(signal: AbortSignal, { leaveDone = false } = {}): Promise<void> {
    this.failure = undefined;
    await this.ensureNetwork();
    const ready = new Map<string, Promise<void>>();
    const waves = startWaves(this.record.manifest.spec.containers);
    for (const name of waves.flat()) {
      const container = this.#containers.get(name)!;
      const dependencies = (container.container.dependsOn ?? []).map((dependency) => ready.get(dependency)!);
      const starting = (async () => {
        await Promise.all(dependencies);
        signal.throwIfAborted();
        if (!(leaveDone && container.isOver && container.kept.exitCode === 0)) await container.start();
        await waitUntilReady(container, signal);
      })();
      starting.catch(() => {});
      ready.set(name, starting);
    }
    const outcomes = await Promise.allSettled(ready.values());
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Stops its containers, those that others depend on last. */
  async stop(only?: ReadonlySet<string>): Promise<void> {
    for (const wave of startWaves(this.record.manifest.spec.containers).reverse())
      await Promise.all(
        wave.filter((name) => !only || only.has(name)).map((name) => this.#containers.get(name)!.stop()),
      );
  }

  /** The network namespace, with its address; made anew after a reboot, and where its making was cut off. */
  async ensureNetwork(): Promise<void> {
    const { network } = this.#it;
    const isUsed = this.containers.some((container) => container.status().state === 'Running');
    if (network.exists(this.name) && (isUsed || (await network.isAttached(this.name))))
      return network.update(this.record);
    try {
      await network.create(this.name, this.record);
      await network.announce(this.record);
    } catch (error) {
      // Half a network would be taken for a whole one the next time.
      await network.destroy(this.name).catch(() => {});
      throw error;
    }
  }

  /** Nothing of it runs any more, is mounted, or has a network. Its files stay. */
  async removeRuntime(only?: ReadonlySet<string>): Promise<void> {
    for (const container of this.containers) {
      if (only && !only.has(container.name)) continue;
      await container.rest();
      await this.#it.runtime.remove(this.record, container.name);
    }
    if (only) return;
    await this.#it.network.destroy(this.name);
    await removeApplicationCgroup(this.#it.context.config.cgroupParent, this.name);
  }

  /** Takes what runs under supervision; during a migration, that is the migration's. */
  async adopt(): Promise<void> {
    const { desired, migration } = this.record;
    await Promise.all(
      this.containers.map((container) => container.adopt(desired === 'running', migration !== undefined)),
    );
    this.changed();
  }

  async suspend(): Promise<void> {
    await Promise.all(this.containers.map((container) => container.suspend()));
    this.changed();
  }

  async resume(): Promise<void> {
    await Promise.all(this.containers.map((container) => container.resume()));
    this.changed();
  }

  /** No timer and no probe of it is left. */
  async leave(): Promise<void> {
    this.#gone = true;
    clearTimeout(this.#publishing);
    await Promise.all(this.containers.map((container) => container.leave()));
  }

  #matchContainers(): void {
    const names = this.record.manifest.spec.containers.map(({ name }) => name);
    const matched = names.map((name): [string, SupervisedContainer] => [
      name,
      this.#containers.get(name) ??
        new SupervisedContainer(name, {
          context: this.#it.context,
          runtime: this.#it.runtime,
          record: () => this.record,
          changed: () => this.changed(),
        }),
    ]);
    this.#containers = new Map(matched);
  }
}
