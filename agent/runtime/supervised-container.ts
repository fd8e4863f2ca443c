// One container under supervision: started, watched, probed, restarted, stopped. What it does happens one after another.
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, ContainerStatus } from '../../src/contract/application.ts';
import { completeContainer } from '../../src/contract/defaults.ts';
import { CmigError } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import { parseDurationMs } from '../../src/core/units.ts';
import type { AgentContext } from '../context.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { readJsonFile } from '../store/durable-file.ts';
import {
  type ContainerRuntime,
  containerOf,
  identify,
  isSame,
  type ProcessIdentity,
} from './container-runtime.ts';
import { readExitCode } from './exit-watcher.ts';
import { probe } from './readiness.ts';
import { forgivenAfterMs, isRestarted, type RestartPolicy, restartDelayMs } from './start-order.ts';

/** What outlives the agent, and moves with the container. */
interface KeptState {
  restarts: number;
  startedAt?: string;
  exitedAt?: string;
  exitCode?: number;
}

export interface ContainerDependencies {
  context: Pick<AgentContext, 'paths' | 'programs' | 'events' | 'log'>;
  runtime: ContainerRuntime;
  /** The record as it is now. */
  record: () => ApplicationRecord;
  /** The status has changed. */
  changed: () => void;
}

/** Once ready, a container is looked at less often: probes must not be a load. */
const calmIntervalMs = 5000;
const failuresUntilUnready = 3;
const exitFileWaitMs = 2000;

export class SupervisedContainer {
  readonly name: string;
  readonly #it: ContainerDependencies;
  readonly #sessions = new Set<() => void>();
  state: ContainerStatus['state'] = 'Waiting';
  ready = false;
  message: string | undefined;
  kept: KeptState = { restarts: 0 };
  process: ProcessIdentity | undefined;
  /** It should run, and is restarted when it ends by itself. */
  #wanted = false;
  #suspended = false;
  #exitsInARow = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #probing: AbortController | undefined;
  #probed: Promise<void> = Promise.resolve();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(name: string, dependencies: ContainerDependencies) {
    this.name = name;
    this.#it = dependencies;
  }

  get application(): string {
    return this.#it.record().manifest.metadata.name;
  }
  get container(): Container {
    return containerOf(this.#it.record(), this.name);
  }
  get #policy(): RestartPolicy {
    return this.#it.record().manifest.spec.restartPolicy ?? 'Always';
  }
  /** It has ended and nobody will start it again by himself. */
  get isOver(): boolean {
    return this.state === 'Exited' && (!this.#wanted || !isRestarted(this.#policy, this.kept.exitCode));
  }

  /** It is on its way back by itself. */
  get isRestarting(): boolean {
    return this.#restartTimer !== undefined;
  }

  status(): ContainerStatus {
    const { restarts, startedAt, exitedAt, exitCode } = this.kept;
    return {
      name: this.name,
      image: this.#it.record().images[this.name] ?? '',
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

  /** Starts it, if it does not run. @throws CmigError where it cannot be started */
  start(): Promise<void> {
    this.#wanted = true;
    return this.#inTurn(async () => {
      if (this.state === 'Running' && this.process && (await isSame(this.process))) return;
      await this.#start();
    });
  }

  /** Settles when it is ready, or has ended for good with success. @throws CmigError `timeout`, `failed` */
  async whenReady(): Promise<void> {
    const { ready } = completeContainer(this.container);
    const timeoutMs = parseDurationMs(ready?.timeout ?? '30s');
    const label = `container ${this.name}`;
    try {
      await waitFor(
        () => {
          if (this.ready) return true;
          if (!this.isOver) return false;
          if (this.kept.exitCode === 0) return true;
          throw new CmigError('failed', `${label} ended with exit code ${this.kept.exitCode ?? 'unknown'}`, {
            hint: `see \`cmig logs ${this.application} -c ${this.name}\``,
          });
        },
        { timeoutMs, intervalMs: 20, what: label },
      );
    } catch (error) {
      if (!(error instanceof CmigError) || error.code !== 'timeout') throw error;
      const found = this.message ? `: ${this.message}` : '';
      throw new CmigError('timeout', `${label} was not ready within ${timeoutMs / 1000} s${found}`, {
        hint: `see \`cmig logs ${this.application} -c ${this.name}\`; it stays deployed`,
      });
    }
  }

  /** Stops it and forgets it at runc. What it wrote stays. */
  stop(): Promise<void> {
    this.#wanted = false;
    this.#cancelRestart();
    return this.#inTurn(async () => {
      await this.#stopProbing();
      this.endSessions();
      await this.#it.runtime.stop(this.#it.record(), this.name);
      if (this.process) await this.#collectExit(true);
      await this.#it.runtime.forget(this.application, this.name);
      this.message = undefined;
      this.#it.changed();
    });
  }

  /** conmon has left an exit file, or the process is gone. May be called again for the same exit. */
  exited(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#suspended || this.state !== 'Running' || !this.process) return;
      if (await isSame(this.process)) return;
      await this.#stopProbing();
      this.endSessions();
      await this.#collectExit(true);
      this.#afterExit();
    });
  }

  /** Is it still there? Asked from time to time, since a killed conmon leaves no exit file. */
  async look(): Promise<void> {
    if (this.state === 'Running' && this.process && !(await isSame(this.process))) await this.exited();
  }

  /** A migration takes over: no probes, no restarts, exits are none of ours. Settles when nothing of ours is inside. */
  suspend(): Promise<void> {
    this.#suspended = true;
    this.#cancelRestart();
    return this.#inTurn(async () => {
      await this.#stopProbing();
      this.endSessions();
    });
  }

  /** The migration is over and the container runs on here (or does not: then it is as if it had just ended). */
  resume(): Promise<void> {
    this.#suspended = false;
    return this.#inTurn(async () => {
      if (this.state === 'Running' && this.process && (await isSame(this.process)))
        return this.#beginProbing();
      await this.#pickUp();
    });
  }

  /**
   * Takes what runs already under supervision, without touching it; what should run and does not is restarted. A
   * suspended one is only looked at.
   */
  adopt(wanted: boolean, suspended: boolean): Promise<void> {
    this.#wanted = wanted;
    this.#suspended = suspended;
    return this.#inTurn(async () => {
      this.kept =
        (await readJsonFile<KeptState>(
          this.#it.context.paths.containerStateFile(this.application, this.name),
        ).catch(() => undefined)) ?? this.kept;
      await this.#pickUp();
    });
  }

  /** Nothing of it is started or probed any more; what runs is not touched. For the agent's own end. */
  leave(): Promise<void> {
    this.#cancelRestart();
    this.#suspended = true;
    return this.#stopProbing();
  }

  /** An exec session; it is ended with the container. Returns how to take it off. */
  addSession(end: () => void): () => void {
    this.#sessions.add(end);
    return () => void this.#sessions.delete(end);
  }
  endSessions(): void {
    for (const end of this.#sessions) end();
  }

  async #pickUp(): Promise<void> {
    const state = await this.#it.runtime.state(this.application, this.name);
    const process = state && state.status !== 'stopped' ? await identify(state.pid) : undefined;
    if (process) {
      this.process = process;
      this.state = 'Running';
      this.kept.startedAt ??= new Date().toISOString();
      this.#it.changed();
      if (!this.#suspended) this.#beginProbing();
      return;
    }
    if (this.#suspended) return;
    // Nothing of it runs: after a reboot, a crash while nobody looked, or before its first start.
    if (!this.kept.startedAt) return;
    if (this.kept.exitedAt) this.#become('Exited');
    else await this.#collectExit(state !== undefined);
    // What runc does not know was ended by a reboot: then all start again, in their order.
    if (state || !this.#wanted) this.#afterExit();
  }

  async #start(): Promise<void> {
    this.#cancelRestart();
    const { runtime, context } = this.#it;
    await this.#stopProbing();
    this.#become('Waiting');
    try {
      await runtime.forget(this.application, this.name);
      await runtime.prepareBundle(this.#it.record(), this.name);
      this.process = await runtime.start(this.#it.record(), this.name);
    } catch (error) {
      this.process = undefined;
      this.message = error instanceof Error ? error.message : String(error);
      this.#become('Exited');
      throw error;
    }
    this.message = undefined;
    const { exitedAt: _, exitCode: __, ...kept } = this.kept;
    this.kept = { ...kept, startedAt: new Date().toISOString() };
    await this.#keep();
    this.#become('Running');
    context.events.publish('container.started', { application: this.application, container: this.name });
    this.#beginProbing();
    // It may have ended before anybody looked.
    if (!(await isSame(this.process))) void this.exited();
  }

  async #collectExit(publish: boolean): Promise<void> {
    const { paths, events } = this.#it.context;
    const exitCode = await waitFor(() => readExitCode(paths, this.application, this.name), {
      timeoutMs: publish ? exitFileWaitMs : 0,
      intervalMs: 10,
      what: 'the exit code',
    }).catch(() => undefined);
    await rm(paths.exitFile(this.application, this.name), { force: true });
    const { exitCode: _, ...kept } = this.kept;
    this.kept = {
      ...kept,
      exitedAt: new Date().toISOString(),
      ...(exitCode === undefined ? {} : { exitCode }),
    };
    this.process = undefined;
    await this.#keep();
    this.#become('Exited');
    if (publish)
      events.publish('container.exited', {
        application: this.application,
        container: this.name,
        exitCode: exitCode ?? -1,
      });
  }

  #afterExit(): void {
    const { exitCode, startedAt } = this.kept;
    if (!this.#wanted || !isRestarted(this.#policy, exitCode)) {
      this.message = exitCode === 0 ? undefined : `ended with exit code ${exitCode ?? 'unknown'}`;
      this.#it.changed();
      return;
    }
    if (startedAt && Date.now() - Date.parse(startedAt) > forgivenAfterMs) this.#exitsInARow = 0;
    this.#exitsInARow++;
    const delayMs = restartDelayMs(this.#exitsInARow);
    this.message = `ended with exit code ${exitCode ?? 'unknown'}; restarts in ${delayMs / 1000} s`;
    this.#it.changed();
    this.#cancelRestart();
    this.#restartTimer = setTimeout(() => void this.#inTurn(() => this.#restart()), delayMs);
  }

  #cancelRestart(): void {
    clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
  }

  async #restart(): Promise<void> {
    this.#restartTimer = undefined;
    if (!this.#wanted || this.#suspended || this.state === 'Running') return;
    this.kept.restarts++;
    try {
      await this.#start();
      this.#it.context.events.publish('container.restarted', {
        application: this.application,
        container: this.name,
        restarts: this.kept.restarts,
      });
    } catch (error) {
      this.#it.context.log.warn({ err: error, container: this.name }, 'a restart failed');
      this.#afterExit();
    }
  }

  #beginProbing(): void {
    this.#probing?.abort();
    const { ready } = completeContainer(this.container);
    if (!ready) {
      this.#becomeReady();
      return;
    }
    const controller = new AbortController();
    this.#probing = controller;
    this.#probed = this.#probe(parseDurationMs(ready.interval), ready, controller.signal).catch(() => {});
  }

  async #probe(
    intervalMs: number,
    ready: NonNullable<Container['ready']>,
    signal: AbortSignal,
  ): Promise<void> {
    let failures = 0;
    while (!signal.aborted && this.process) {
      const target = {
        application: this.application,
        container: this.name,
        address: this.#it.record().address,
        pid: this.process.pid,
      };
      const found = await probe(ready, target, this.#it.runtime.runc, this.#it.context.programs.env).catch(
        (error: Error) => error.message,
      );
      if (signal.aborted) return;
      failures = found === undefined ? 0 : failures + 1;
      if (found === undefined) this.#becomeReady();
      else if (!this.ready || failures >= failuresUntilUnready) this.#becomeUnready(found);
      await sleep(this.ready ? Math.max(intervalMs, calmIntervalMs) : intervalMs, undefined, { signal });
    }
  }

  async #stopProbing(): Promise<void> {
    this.#probing?.abort();
    await this.#probed;
  }

  #becomeReady(): void {
    if (this.ready) return;
    this.ready = true;
    this.message = undefined;
    this.#it.context.events.publish('container.ready', {
      application: this.application,
      container: this.name,
    });
    this.#it.changed();
  }

  #becomeUnready(message: string): void {
    if (!this.ready && this.message === message) return;
    this.ready = false;
    this.message = message;
    this.#it.changed();
  }

  #become(state: ContainerStatus['state']): void {
    this.state = state;
    this.ready = false;
    this.#it.changed();
  }

  async #keep(): Promise<void> {
    const file = this.#it.context.paths.containerStateFile(this.application, this.name);
    await writeFile(file, `${JSON.stringify(this.kept)}\n`).catch(() => {});
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}
