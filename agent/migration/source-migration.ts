// The source's half of the commit protocol, free of everything that touches the machine (its ports do that).
import type { DestinationState, Resolution } from '../../src/contract/migration.ts';
import { CmigError, fromFault, toFault } from '../../src/core/errors.ts';
import { Interruptible } from './interruptible.ts';
import { type SourceRecord, withState } from './journal.ts';
import { mustBeConfirmed, mustBeLost, permitMarginMs, permitMs, type ResolveRequest } from './resolving.ts';
import type { SourcePorts } from './source-ports.ts';

const settleEveryMs = 500;

type Ending = 'release' | 'give-up' | 'thaw';

/** What follows from a person's word, or else from the destination's. */
function endingOf(resolved: Resolution | undefined, state: DestinationState | undefined): Ending | undefined {
  if (resolved) return resolved.to === 'source' ? 'thaw' : 'give-up';
  if (state === 'committed') return 'release';
  return state === 'aborted' ? 'thaw' : undefined;
}

/**
 * Until the permit is on disk, the source alone decides and may roll back at any moment. From then on only the
 * destination's journal ends it: committed, so let go; aborted, so roll back. So there never is a moment in which
 * both could run. Where the destination is lost for good, a person's word stands in for its; the destination asks
 * before it opens, should it come back.
 */
export class SourceMigration {
  readonly record: SourceRecord;
  readonly #ports: SourcePorts;
  readonly #work = new Interruptible();
  #transferred = false;
  #frozenAtMs: number | undefined;
  #turningBack = false;
  /** From then on the destination cannot commit any more. */
  #permitEndsAtMs = 0;
  #ending: Ending | undefined;
  #rollback: Promise<void> | undefined;
  #settling: Promise<void> | undefined;

  constructor(record: SourceRecord, ports: SourcePorts) {
    this.record = record;
    this.#ports = ports;
  }

  get ended(): boolean {
    return this.record.state === 'finished' || this.record.state === 'rolled-back';
  }

  async presync(): Promise<{ bytes: number; rounds: number }> {
    this.#mustBe('presyncing');
    return await this.#orRollBack(() =>
      this.#work.run(async (signal) => {
        const { from, state } = this.record;
        Object.assign(this.record, withState(this.record, state, from, this.#ports.time()));
        await this.#ports.save(this.record);
        this.#ports.changed(this.record);
        const result = await this.#ports.presync(signal);
        this.record.bytes.presync = result.bytes;
        return result;
      }),
    );
  }

  /** Freezes and sends; from its start the application counts as frozen, also for a later recovery. */
  async freeze(): Promise<void> {
    this.#mustBe('presyncing');
    await this.#orRollBack(() =>
      this.#work.run(async (signal) => {
        await this.#become('frozen');
        signal.throwIfAborted();
        this.#frozenAtMs = this.#ports.nowMs();
        await this.#ports.freeze(signal);
        signal.throwIfAborted();
        this.#ports.changed(this.record);
        await this.#ports.transfer(signal);
        signal.throwIfAborted();
        this.#transferred = true;
      }),
    );
  }

  /**
   * @param withinMs so long from now the destination may still commit
   * @throws CmigError `conflict` where the source has turned back: then the destination must not commit.
   */
  async permit(withinMs = permitMs): Promise<void> {
    await this.#work.decide(async () => {
      if (this.record.state === 'permitted' && !this.record.resolved) return;
      if (this.record.state !== 'frozen' || !this.#transferred || this.#turningBack) {
        throw new CmigError(
          'conflict',
          `migration ${this.record.id} is ${this.record.state} at ${this.record.from}: no commit`,
        );
      }
      if (!(await this.#ports.isHeld())) {
        throw new CmigError(
          'conflict',
          `a container of ${this.record.application} is not held any more: no commit`,
        );
      }
      await this.#ports.detach();
      this.#permit(withinMs);
      await this.#become('permitted');
    });
    this.#ports.changed(this.record);
    void this.settle().catch(() => {});
  }

  /**
   * Ends as the destination ended. Resolves when this host is done with it.
   * @throws CmigError `conflict` where there is no permit, so that there can be no commit.
   */
  async settle(): Promise<void> {
    if (this.ended) return;
    if (this.record.state !== 'permitted') {
      throw new CmigError(
        'conflict',
        `migration ${this.record.id} has no permit to commit: it is ${this.record.state}`,
      );
    }
    this.#settling ??= this.#settle();
    await this.#settling;
  }

  async #settle(): Promise<void> {
    for (;;) {
      const state = this.record.resolved ? undefined : await this.#ports.destinationState();
      // One decision: a person's word and the destination's must not both be followed.
      const ending = await this.#work.decide(async () => {
        this.#ending ??= endingOf(this.record.resolved, state);
        return this.#ending;
      });
      if (ending === 'thaw') {
        this.#rollback ??= this.#thaw();
        return await this.#rollback;
      }
      if (ending) {
        if (this.#frozenAtMs !== undefined) this.record.frozenMs = this.#ports.nowMs() - this.#frozenAtMs;
        await this.#untilDone(() => (ending === 'release' ? this.#ports.release() : this.#ports.giveUp()));
        return await this.#end('finished');
      }
      await this.#ports.pause(settleEveryMs);
    }
  }

  /**
   * A person's word in place of a destination that is lost. On disk when it resolves; `settle` does what follows.
   * @throws CmigError `conflict` that says why it is not possible, or not yet
   */
  async resolve(request: ResolveRequest): Promise<void> {
    this.#mustAwaitDestination();
    const { to, id, application, from } = this.record;
    const leftMs = this.#permitEndsAtMs - this.#ports.nowMs();
    if (request.to === 'source' && leftMs > 0) {
      const seconds = Math.ceil(leftMs / 1000);
      throw new CmigError('conflict', `${to} may still commit migration ${id} for ${seconds} s`, {
        hint: `say it again then, if ${to} still does not answer`,
      });
    }
    const sign = await this.#ports.lookForDestination();
    // What was asked for is what the two hosts are about to do.
    if (request.to === 'destination' && sign.sign === 'state' && sign.state === 'committed') {
      return;
    }
    if (request.to === 'source' || sign.sign === 'state') mustBeLost(to, sign);
    if (request.to === 'destination') mustBeConfirmed(request, application, from);
    await this.#work.decide(async () => {
      this.#mustAwaitDestination();
      const resolved = { to: request.to, by: request.by, at: this.#ports.time() };
      await this.#ports.save({ ...this.record, resolved });
      this.record.resolved = resolved;
    });
  }

  #mustAwaitDestination(): void {
    const { id, state, to, resolved, from } = this.record;
    const refuse = (why: string) => {
      throw new CmigError('conflict', `migration ${id} needs no word of a person: ${why}`, {
        hint: `see: cmig describe migration ${id}`,
      });
    };
    if (this.ended) refuse(`it is ${state} at ${from}`);
    if (resolved || this.#ending) refuse(`it has been settled, and ${from} is about to end it`);
    if (state !== 'permitted')
      refuse(`it is ${state} at ${from}, which needs no word of ${to} either and turns back by itself`);
  }

  #permit(withinMs: number): void {
    const forMs = withinMs + permitMarginMs;
    this.#permitEndsAtMs = this.#ports.nowMs() + forMs;
    this.record.permitEndsAt = this.#ports.time(forMs);
  }

  /** Rolls back, unless the destination may have committed: then it ends as the destination ended. */
  async abort(reason: unknown): Promise<void> {
    const permitted = await this.#work.decide(async () => {
      if (this.ended) return false;
      if (this.record.state === 'permitted') return true;
      this.#turningBack = true;
      this.record.error ??= toFault(reason);
      return false;
    });
    if (permitted) return await this.settle();
    if (this.ended) return;
    this.#rollback ??= this.#work.interrupt(reason).then(() => this.#thaw());
    await this.#rollback;
  }

  /** After a restart of the agent. */
  async recover(): Promise<void> {
    if (this.ended) return;
    if (this.record.state === 'permitted') {
      // The time before the crash does not count: the clock may have been set since.
      this.#permit(permitMs);
      await this.#untilDone(() => this.#ports.detach());
      return await this.settle();
    }
    await this.abort(
      new CmigError('failed', `the agent of ${this.record.from} was restarted during the migration`),
    );
  }

  async #thaw(): Promise<void> {
    await this.#untilDone(() => this.#ports.thaw());
    if (this.#frozenAtMs !== undefined) this.record.frozenMs = this.#ports.nowMs() - this.#frozenAtMs;
    await this.#end('rolled-back');
  }

  async #end(state: 'finished' | 'rolled-back'): Promise<void> {
    this.record.endedAt = this.#ports.time();
    await this.#untilDone(() => this.#become(state));
    this.#ports.changed(this.record);
  }

  // On disk first: whoever hears of a state relies on it, and must not hear of one that a crash would take back.
  async #become(state: SourceRecord['state']): Promise<void> {
    const next = withState(this.record, state, this.record.from, this.#ports.time());
    await this.#ports.save(next);
    Object.assign(this.record, next);
  }

  // There is no way back from here, and giving up would leave the application neither here nor there.
  async #untilDone(action: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        this.record.error ??= toFault(error);
        await this.#ports.pause(settleEveryMs);
      }
    }
  }

  async #orRollBack<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      await this.abort(error);
      // What made it turn back, not what the work died of when it was interrupted for that.
      throw this.record.error ? fromFault(this.record.error) : error;
    }
  }

  #mustBe(state: SourceRecord['state']): void {
    if (this.record.state !== state || this.#turningBack) {
      throw new CmigError(
        'conflict',
        `migration ${this.record.id} is ${this.record.state} at ${this.record.from}`,
        {
          ...(this.record.error ? { hint: this.record.error.message } : {}),
        },
      );
    }
  }
}
