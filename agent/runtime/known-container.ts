// What is known of one container, on disk and in events: its state, whether it is ready, how it has begun and ended.
import { rm } from 'node:fs/promises';
import type { Container, ContainerStatus } from '../../src/contract/application.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { AgentContext } from '../context.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { type ContainerRuntime, containerOf, type ProcessIdentity } from './container-runtime.ts';
import {
  type ContainerState,
  ended,
  readContainerState,
  started,
  writeContainerState,
} from './container-state.ts';
import { readExitCode } from './exit-watcher.ts';

export interface ContainerDependencies {
  context: Pick<AgentContext, 'paths' | 'programs' | 'events' | 'log'>;
  runtime: ContainerRuntime;
  /** The record as it is now. */
  record: () => ApplicationRecord;
  /** The status has changed. */
  changed: () => void;
}

const exitFileWaitMs = 2000;

export class KnownContainer {
  readonly name: string;
  protected readonly it: ContainerDependencies;
  state: ContainerStatus['state'] = 'Waiting';
  ready = false;
  message: string | undefined;
  kept: ContainerState = { restarts: 0 };
  process: ProcessIdentity | undefined;

  constructor(name: string, dependencies: ContainerDependencies) {
    this.name = name;
    this.it = dependencies;
  }

  get application(): string {
    return this.it.record().manifest.metadata.name;
  }
  get container(): Container {
    return containerOf(this.it.record(), this.name);
  }

  status(): ContainerStatus {
    const { restarts, startedAt, exitedAt, exitCode } = this.kept;
    return {
      name: this.name,
      image: this.it.record().images[this.name] ?? '',
      state: this.state,
      ready: this.ready,
      ...(this.process && this.state === 'Running' ? { pid: this.process.pid } : {}),
      restarts,
      ...(startedAt ? { startedAt } : {}),
      ...(exitedAt ? { exitedAt } : {}),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(this.message ? { message: this.message } : {}),
    };
  }

  /** What the agent before this one knew. */
  protected async recall(): Promise<void> {
    this.kept = (await readContainerState(this.#stateFile)) ?? this.kept;
  }

  protected async becomeRunning(process: ProcessIdentity): Promise<void> {
    this.process = process;
    this.message = undefined;
    this.kept = started(this.kept);
    await writeContainerState(this.#stateFile, this.kept);
    this.become('Running');
    this.it.context.events.publish('container.started', {
      application: this.application,
      container: this.name,
    });
  }

  protected async collectExit(publish: boolean): Promise<void> {
    const { paths, events } = this.it.context;
    const exitCode = await waitFor(() => readExitCode(paths, this.application, this.name), {
      timeoutMs: publish ? exitFileWaitMs : 0,
      intervalMs: 10,
      what: 'the exit code',
    }).catch(() => undefined);
    await rm(paths.exitFile(this.application, this.name), { force: true });
    this.kept = ended(this.kept, exitCode);
    this.process = undefined;
    await writeContainerState(this.#stateFile, this.kept);
    this.become('Exited');
    if (publish)
      events.publish('container.exited', {
        application: this.application,
        container: this.name,
        exitCode: exitCode ?? -1,
      });
  }

  protected becomeReady(): void {
    if (this.ready) return;
    this.#setReady(true);
    this.message = undefined;
    this.it.context.events.publish('container.ready', {
      application: this.application,
      container: this.name,
    });
    this.it.changed();
  }

  protected becomeUnready(message: string): void {
    if (!this.ready && this.message === message) return;
    if (this.ready) this.#setReady(false);
    this.message = message;
    this.it.changed();
  }

  #setReady(ready: boolean): void {
    this.ready = ready;
    this.kept = { ...this.kept, ready };
    void writeContainerState(this.#stateFile, this.kept);
  }

  protected become(state: ContainerStatus['state']): void {
    this.state = state;
    this.ready = false;
    this.it.changed();
  }

  get #stateFile(): string {
    return this.it.context.paths.containerStateFile(this.application, this.name);
  }
}
