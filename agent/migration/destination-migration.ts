// The destination's half of the commit protocol, free of everything that touches the machine (its ports do that).
import { CmigError, codeOf, fromFault, toFault } from '../../src/core/errors.ts';
import { Interruptible } from './interruptible.ts';
import type { DestinationRecord } from './journal.ts';

/** What the destination's half asks of its machine. Every method may be called again after a crash. */
export interface DestinationPorts {
  /** On disk when it resolves. */
  save(record: DestinationRecord): Promise<void>;
  /** Directories and the locked network namespace. */
  prepare(signal: AbortSignal): Promise<void>;
  /** All containers restored and held, still stopped. */
  restore(signal: AbortSignal): Promise<void>;
  /** Resolves with the source's permit; rejects with `conflict` where it refuses. */
  askPermit(signal: AbortSignal): Promise<void>;
  /** Lock open, link attached, containers let go, address announced. */
  open(): Promise<void>;
  /** The application is one of this host's, and what the migration needed is removed. */
  adopt(): Promise<void>;
  /** Everything of the attempt is removed; nothing of it has run. */
  discard(): Promise<void>;
  /** Tells the source that there is news; it asks for it then. Never rejects. */
  tellSource(): void;
  pause(milliseconds: number): Promise<void>;
  time(): string;
  changed(record: DestinationRecord): void;
}

const retryEveryMs = 300;
const permitTries = 20;

/**
 * The write of `committed` is the one commit point of a migration, and it needs the source's permit, which is on the
 * source's disk by then. Before it, the destination may turn back at any moment.
 */
export class DestinationMigration {
  readonly record: DestinationRecord;
  readonly #ports: DestinationPorts;
  readonly #work = new Interruptible();
  #turningBack = false;
  #discarding: Promise<void> | undefined;
  #restoring: Promise<void> | undefined;

  constructor(record: DestinationRecord, ports: DestinationPorts) {
    this.record = record;
    this.#ports = ports;
  }

  get ended(): boolean {
    return this.record.state === 'aborted' || this.record.state === 'committed';
  }

  /** A restore is under way, which ends by itself: the orchestrator is not needed any more. */
  get restoring(): boolean {
    return this.#restoring !== undefined;
  }

  async prepare(): Promise<void> {
    await this.#orAbort(() =>
      this.#work.run(async (signal) => {
        await this.#ports.save(this.record);
        this.#ports.changed(this.record);
        await this.#ports.prepare(signal);
      }),
    );
  }

  /** Restores, holds, asks, commits, opens. Who calls again waits for the same end. */
  async restore(): Promise<void> {
    if (this.#restoring) return await this.#restoring;
    if (this.record.state === 'committed') return;
    if (this.record.state !== 'prepared' || this.#turningBack) {
      throw new CmigError(
        'conflict',
        `migration ${this.record.id} is ${this.record.state} at ${this.record.to}`,
      );
    }
    this.#restoring = this.#orAbort(() => this.#work.run((signal) => this.#restoreAndCommit(signal))).then(
      () => this.#open(),
    );
    await this.#restoring;
  }

  async #restoreAndCommit(signal: AbortSignal): Promise<void> {
    await this.#ports.restore(signal);
    signal.throwIfAborted();
    await this.#become('restored');
    this.#ports.changed(this.record);
    await this.#permitted(signal);
    await this.#work.decide(async () => {
      // Decided a moment ago, while the signal is not yet aborted.
      if (this.#turningBack) throw new CmigError('cancelled', `${this.record.to} is turning back`);
      // The commit point.
      await this.#become('committed');
    });
  }

  async #permitted(signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#ports.askPermit(signal);
      } catch (error) {
        signal.throwIfAborted();
        // Silence may mean that the permit was given and its news got lost: ask again. A refusal is final.
        if (codeOf(error) !== 'unreachable' || tries >= permitTries) throw error;
        await this.#ports.pause(retryEveryMs);
      }
    }
  }

  async #open(): Promise<void> {
    await this.#untilDone(() => this.#ports.open());
    // Now and not later: it ends the pause as the source measures it.
    this.#ports.tellSource();
    await this.#untilDone(() => this.#ports.adopt());
    this.#ports.changed(this.record);
  }

  /** Turns back, unless it has committed. */
  async abort(reason: unknown): Promise<void> {
    const stays = await this.#work.decide(async () => {
      if (this.ended) return true;
      this.#turningBack = true;
      this.record.error ??= toFault(reason);
      return false;
    });
    if (stays) return;
    this.#discarding ??= this.#discard(reason);
    await this.#discarding;
  }

  async #discard(reason: unknown): Promise<void> {
    await this.#work.interrupt(reason);
    await this.#untilDone(async () => {
      await this.#ports.discard();
      await this.#become('aborted');
    });
    this.#ports.tellSource();
    this.#ports.changed(this.record);
  }

  /** After a restart of the agent. */
  async recover(): Promise<void> {
    if (this.record.state === 'aborted') return;
    if (this.record.state === 'committed') return await this.#open();
    await this.abort(
      new CmigError('failed', `the agent of ${this.record.to} was restarted during the migration`),
    );
  }

  // There is no other way to go from here, so every obstacle is tried again.
  async #untilDone(action: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        this.record.error ??= toFault(error);
        await this.#ports.pause(retryEveryMs);
      }
    }
  }

  // On disk first: whoever asks for the state relies on it, and must not hear of one that a crash would take back.
  async #become(state: DestinationRecord['state']): Promise<void> {
    const endedAt = state === 'restored' ? {} : { endedAt: this.#ports.time() };
    const next = { ...this.record, ...endedAt, state };
    await this.#ports.save(next);
    Object.assign(this.record, next);
  }

  async #orAbort<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      await this.abort(error);
      // What made it turn back, not what the work died of when it was interrupted for that.
      throw this.record.error ? fromFault(this.record.error) : error;
    }
  }
}
