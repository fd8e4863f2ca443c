// One container under supervision: started, watched, probed, restarted, stopped. What it does happens one after another.
import { completeContainer } from '../../src/contract/defaults.ts';
import { identify, isSame, type ProcessIdentity } from './container-runtime.ts';
import { type ContainerDependencies, KnownContainer } from './known-container.ts';
import { probe } from './readiness.ts';
import { ReadinessWatch } from './readiness-watch.ts';
import { RestartSchedule } from './restart-schedule.ts';
import { isRestarted, type RestartPolicy } from './start-order.ts';

export class SupervisedContainer extends KnownContainer {
  readonly #sessions = new Set<() => void>();
  /** It should run, and is restarted when it ends by itself. */
  #wanted = false;
  #suspended = false;
  readonly #readiness: ReadinessWatch;
  readonly #restarts: RestartSchedule;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(name: string, dependencies: ContainerDependencies) {
    super(name, dependencies);
    this.#readiness = new ReadinessWatch({
      onReady: () => this.becomeReady(),
      onUnready: (found) => this.becomeUnready(found),
    });
    this.#restarts = new RestartSchedule(() => void this.#inTurn(() => this.#restart()));
  }

  get #policy(): RestartPolicy {
    return this.it.record().manifest.spec.restartPolicy ?? 'Always';
  }
  /** It has ended and nobody will start it again by himself. */
  get isOver(): boolean {
    return this.state === 'Exited' && (!this.#wanted || !isRestarted(this.#policy, this.kept.exitCode));
  }

  /** It is on its way back by itself. */
  get isRestarting(): boolean {
    return this.#restarts.isPending;
  }

  /** Starts it, if it does not run. @throws CmigError where it cannot be started */
  start(): Promise<void> {
    this.#wanted = true;
    return this.#inTurn(async () => {
      if (this.state === 'Running' && this.process && (await isSame(this.process))) return;
      await this.#start();
    });
  }

  /** Stops it and forgets it at runc. What it wrote stays. */
  stop(): Promise<void> {
    this.#wanted = false;
    this.#restarts.cancel();
    return this.#inTurn(async () => {
      await this.#readiness.stop();
      this.endSessions();
      await this.it.runtime.stop(this.it.record(), this.name);
      if (this.process) await this.collectExit(true);
      await this.it.runtime.forget(this.application, this.name);
      this.message = undefined;
      this.it.changed();
    });
  }

  /** conmon has left an exit file, or the process is gone. May be called again for the same exit. */
  exited(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#suspended || this.state !== 'Running' || !this.process) return;
      if (await isSame(this.process)) return;
      await this.#readiness.stop();
      this.endSessions();
      await this.collectExit(true);
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
    this.#restarts.cancel();
    return this.#inTurn(async () => {
      await this.#readiness.stop();
      this.endSessions();
    });
  }

  /** A migration has it: nothing of ours may go inside. */
  get isSuspended(): boolean {
    return this.#suspended;
  }

  /** The migration is over and the container runs on here (or does not: then it is as if it had just ended). */
  resume(): Promise<void> {
    this.#suspended = false;
    return this.#inTurn(async () => {
      if (this.state === 'Running' && this.process && (await isSame(this.process)))
        return this.#watchReadiness();
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
      await this.recall();
      await this.#pickUp();
    });
  }

  /** Nothing of it is started or probed any more; what runs is not touched. For the agent's own end. */
  leave(): Promise<void> {
    this.#suspended = true;
    return this.rest();
  }

  /** No timer and no probe of it is left until it is started again. */
  rest(): Promise<void> {
    this.#restarts.cancel();
    return this.#readiness.stop();
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
    const { runtime } = this.it;
    const state = await runtime.state(this.application, this.name);
    // Made, but its program not begun: an agent was killed in between, and it would wait for ever.
    const isHalfStarted = state?.status === 'created' && !this.#suspended;
    if (isHalfStarted) await runtime.forget(this.application, this.name);
    const lives = state && state.status !== 'stopped' && !isHalfStarted;
    const process = lives ? await identify(state.pid) : undefined;
    if (process) {
      this.process = process;
      this.state = 'Running';
      this.ready = this.kept.ready ?? false;
      this.it.changed();
      if (!this.#suspended) this.#watchReadiness();
      return;
    }
    if (this.#suspended) return;
    // Nothing of it runs: after a reboot, a crash while nobody looked, or before its first start.
    if (!this.kept.startedAt) return;
    if (this.kept.exitedAt) this.become('Exited');
    else await this.collectExit(state !== undefined);
    // What runc does not know was ended by a reboot: then all start again, in their order.
    if (state || !this.#wanted) this.#afterExit();
  }

  async #start(): Promise<void> {
    this.#restarts.cancel();
    const { runtime } = this.it;
    await this.#readiness.stop();
    this.become('Waiting');
    let process: ProcessIdentity;
    try {
      await runtime.forget(this.application, this.name);
      await runtime.prepareBundle(this.it.record(), this.name);
      process = await runtime.start(this.it.record(), this.name);
    } catch (error) {
      this.process = undefined;
      this.message = error instanceof Error ? error.message : String(error);
      this.become('Exited');
      throw error;
    }
    await this.becomeRunning(process);
    this.#watchReadiness();
    // It may have ended before anybody looked.
    if (!(await isSame(process))) void this.exited();
  }

  #afterExit(): void {
    const { exitCode, startedAt } = this.kept;
    if (!this.#wanted || !isRestarted(this.#policy, exitCode)) {
      this.message = exitCode === 0 ? undefined : `ended with exit code ${exitCode ?? 'unknown'}`;
      this.it.changed();
      return;
    }
    const delayMs = this.#restarts.plan(startedAt ? Date.now() - Date.parse(startedAt) : 0);
    this.message = `ended with exit code ${exitCode ?? 'unknown'}; restarts in ${delayMs / 1000} s`;
    this.it.changed();
  }

  async #restart(): Promise<void> {
    if (!this.#wanted || this.#suspended || this.state === 'Running') return;
    this.kept.restarts++;
    try {
      await this.#start();
      this.it.context.events.publish('container.restarted', {
        application: this.application,
        container: this.name,
        restarts: this.kept.restarts,
      });
    } catch (error) {
      this.it.context.log.warn({ err: error, container: this.name }, 'a restart failed');
      this.#afterExit();
    }
  }

  #watchReadiness(): void {
    const { ready } = completeContainer(this.container);
    this.#readiness.begin(ready, this.ready, async () => {
      if (!ready || !this.process) return 'it does not run';
      const target = {
        application: this.application,
        container: this.name,
        address: this.it.record().address,
        pid: this.process.pid,
      };
      return probe(ready, target, this.it.runtime.runc, this.it.context.programs.env);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}
