// The applications of this host: which there are, and that one thing at a time is done to each.
import type { Application } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { type ApplicationDependencies, SupervisedApplication } from './supervised-application.ts';
import type { SupervisedContainer } from './supervised-container.ts';

export class LocalApplications {
  protected readonly it: ApplicationDependencies;
  protected readonly applications = new Map<string, SupervisedApplication>();

  constructor(dependencies: ApplicationDependencies) {
    this.it = dependencies;
  }

  list(): Application[] {
    return [...this.applications.values()].map(describe).sort(byName);
  }
  describe(name: string): Application {
    return describe(this.application(name));
  }
  has(name: string): boolean {
    return this.applications.has(name);
  }
  record(name: string): ApplicationRecord {
    return this.application(name).record;
  }
  records(): ApplicationRecord[] {
    return [...this.applications.values()].map(({ record }) => record);
  }

  /** @throws CmigError `not-found` */
  application(name: string): SupervisedApplication {
    const application = this.applications.get(name);
    if (!application)
      throw new CmigError('not-found', `there is no application ${name} on ${this.it.context.config.name}`, {
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
    return [...this.applications.values()].some(({ busy }) => busy !== undefined);
  }

  /**
   * Does `work` while nothing else is done to the application.
   * @param operation a verb, for who comes second
   * @param work is told by its signal that what starts the application is to be given up
   * @throws CmigError `conflict` that says what is under way
   */
  async exclusive<T>(name: string, operation: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const application = this.applications.get(name);
    const stop = new AbortController();
    if (!application) return work(stop.signal);
    const { busy, record } = application;
    if (busy) throw underWay(name, `${operation} is not possible now`, `its ${busy} is under way`);
    if (record.migration)
      throw underWay(
        name,
        `${operation} is not possible now`,
        `its ${wordsOf(record.migration)} is under way`,
      );
    const ended = Promise.withResolvers<void>();
    application.busy = operation;
    application.giveUp = (reason) => {
      stop.abort(reason);
      return ended.promise;
    };
    application.changed();
    try {
      return await work(stop.signal);
    } finally {
      application.busy = undefined;
      application.giveUp = undefined;
      application.changed();
      ended.resolve();
    }
  }

  /**
   * For what changes or ends the application: a deployment or a start of it does not have to become ready first. Whoever
   * waits for that hears what was done instead. @returns the application, when nothing of the kind is under way any more
   * @throws CmigError `not-found`, also where another one has deleted it meanwhile
   */
  protected async withoutStart(name: string, done: string): Promise<SupervisedApplication> {
    for (;;) {
      const application = this.application(name);
      const { busy, giveUp } = application;
      if (!giveUp || !(busy === 'deploy' || busy === 'start')) return application;
      await giveUp(new CmigError('conflict', `${name} was ${done} before it was ready`));
    }
  }

  /** Tells the world of all of them, for whoever could not hear of them before. */
  announce(name?: string): void {
    for (const application of this.applications.values())
      if (name === undefined || application.name === name) application.changed();
  }

  /** One that is on disk, though nobody has told of it. @throws CmigError `not-found` */
  protected async known(name: string): Promise<SupervisedApplication> {
    const record = this.applications.has(name) ? undefined : await this.it.store.get(name);
    if (record) this.applications.set(name, new SupervisedApplication(record, this.it));
    return this.application(name);
  }
}

export function describe(application: SupervisedApplication): Application {
  const { apiVersion, kind, metadata, spec } = application.record.manifest;
  return { apiVersion, kind, metadata, spec, status: application.status() };
}

const byName = (a: Application, b: Application): number => (a.metadata.name < b.metadata.name ? -1 : 1);

/** That something else is done to it. */
export const underWay = (name: string, what: string, why: string): CmigError =>
  new CmigError('conflict', `${name}: ${what}: ${why}`, { hint: 'wait until it has ended' });

type Under = NonNullable<ApplicationRecord['migration']>;
export const nameOf = ({ role }: Under): string =>
  role === 'checkpoint' || role === 'restore' ? role : 'migration';
export const wordsOf = (under: Under): string =>
  nameOf(under) === 'migration' ? `migration ${under.id}` : nameOf(under);
