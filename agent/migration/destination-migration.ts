// The destination's half of the commit protocol, free of everything that touches the machine (its ports do that).
import { CmigError, codeOf, fromFault, toFault } from '../../src/core/errors.ts';
import type { DestinationPorts, SourceEnding } from './destination-ports.ts';
import { Interruptible } from './interruptible.ts';
import { type DestinationRecord, withState } from './journal.ts';
import { mustBeLost, permitMs, type ResolveRequest } from './resolving.ts';

const retryEveryMs = 300;
/** After the commit, for as long as the source does not answer. */
const askSourceEveryMs = 3000;

/**
 * The write of `committed` is the one commit point of a migration, and it needs the source's permit, which is on the
 * source's disk by then. Before it, the destination may turn back at any moment.
 */
export class DestinationMigration {
  readonly record: DestinationRecord;
  readonly #ports: DestinationPorts;
  readonly #work = new Interruptible();
  #turningBack = false;
  #awaitsSource = false;
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
        const { to, state } = this.record;
        Object.assign(this.record, withState(this.record, state, to, this.#ports.time()));
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
    const deadlineMs = this.#ports.nowMs() + permitMs;
    await this.#permitted(deadlineMs, signal);
    await this.#work.decide(async () => {
      // Decided a moment ago, while the signal is not yet aborted.
      if (this.#turningBack) throw new CmigError('cancelled', `${this.record.to} is turning back`);
      // After it the source may take this host for lost.
      if (this.#ports.nowMs() > deadlineMs) throw this.#tooLate();
      // The commit point.
      await this.#become('committed');
    });
  }

  async #permitted(deadlineMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = deadlineMs - this.#ports.nowMs();
      if (leftMs <= 0) throw this.#tooLate();
      try {
        return await this.#ports.askPermit(leftMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        // Silence may mean that the permit was given and its news got lost: ask again. A refusal is final.
        if (codeOf(error) !== 'unreachable') throw error;
        await this.#ports.pause(retryEveryMs);
      }
    }
  }

  #tooLate(): CmigError {
    return new CmigError(
      'unreachable',
      `${this.record.from} gave no permit to commit within ${permitMs / 1000} s`,
    );
  }

  async #open(): Promise<void> {
    await this.#untilDone(() => this.#ports.open());
    // Now and not later: it ends the pause as the source measures it.
    const ending = this.#ports.askSource();
    await this.#untilDone(() => this.#ports.adopt());
    this.#ports.changed(this.record);
    void this.confirm(ending);
  }

  /** In the background, until the source has said how it ended; resolves then. */
  async confirm(first?: Promise<SourceEnding | undefined>): Promise<void> {
    if (this.record.confirmed) return;
    for (let answer = first ?? this.#ports.askSource(); ; answer = this.#ports.askSource()) {
      const ending = await answer;
      if (ending) return await this.#endAs(ending);
      await this.#ports.pause(askSourceEveryMs);
    }
  }

  async #endAs(ending: SourceEnding): Promise<void> {
    // A person has given the application back to the source, which took this host for lost.
    if (ending === 'rolled-back') await this.#untilDone(() => this.#ports.setAside());
    const told = ending === 'rolled-back' ? { setAside: true } : { confirmed: true };
    await this.#untilDone(() => this.#ports.save({ ...this.record, ...told }));
    Object.assign(this.record, told);
    this.#ports.changed(this.record);
  }

  /** After this host was down: whatever had run here does not run any more, and the source may have gone on. */
  async #takeUp(): Promise<void> {
    this.#awaitsSource = true;
    let ending: SourceEnding | undefined;
    while (!ending && !this.record.confirmed && !this.record.resolved) {
      ending = await this.#ports.askSource();
      if (!ending) await this.#ports.pause(retryEveryMs);
    }
    const resolved = await this.#work.decide(async () => {
      this.#awaitsSource = false;
      return this.record.resolved;
    });
    if (ending && !resolved) await this.#endAs(ending);
    if (this.record.setAside) return;
    if (this.record.adopted) await this.#untilDone(() => this.#ports.startAgain());
    else await this.#open();
  }

  /**
   * A person's word in place of a source that is lost: the committed copy is opened without having asked it.
   * @throws CmigError `conflict` that says why it is not possible
   */
  async resolve(request: ResolveRequest): Promise<void> {
    const { id, from, to, state } = this.record;
    if (request.to === 'source') {
      throw new CmigError('conflict', `only ${from} can take the application back, and it does not answer`, {
        hint: `bring ${from} back, or give the application to ${to}: cmig migration resolve ${id} --to destination`,
      });
    }
    this.#mustAwaitSource();
    mustBeLost(from, await this.#ports.lookForSource());
    await this.#work.decide(async () => {
      this.#mustAwaitSource();
      const resolved = { to: request.to, by: request.by, at: this.#ports.time() };
      await this.#ports.save({ ...this.record, resolved, state });
      this.record.resolved = resolved;
    });
  }

  #mustAwaitSource(): void {
    if (this.#awaitsSource && !this.record.resolved) return;
    const { id, state, to } = this.record;
    throw new CmigError('conflict', `migration ${id} needs no word of a person: it is ${state} at ${to}`, {
      hint: `see: cmig describe migration ${id}`,
    });
  }

  /** It is committed, and waits for the source's word before it opens. */
  get awaitsSource(): boolean {
    return this.#awaitsSource;
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
    if (this.record.state === 'aborted' || this.record.setAside) return;
    if (this.record.state === 'committed') return await this.#takeUp();
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
    const at = this.#ports.time();
    const endedAt = state === 'restored' ? {} : { endedAt: at };
    const next = { ...withState(this.record, state, this.record.to, at), ...endedAt };
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
