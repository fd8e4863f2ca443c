// One piece of long work at a time that can be interrupted, and decisions that never overlap.

export class Interruptible {
  readonly #controller = new AbortController();
  #current: Promise<unknown> | undefined;
  #decisions: Promise<unknown> = Promise.resolve();

  /** Runs `work`, which heeds the signal. A second piece waits for the first. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.#current?.catch(() => {});
    this.#controller.signal.throwIfAborted();
    const current = work(this.#controller.signal);
    this.#current = current;
    return await current;
  }

  /** Interrupts the work, for good, and resolves when it has stopped touching anything. */
  async interrupt(reason: unknown): Promise<void> {
    this.#controller.abort(reason);
    await this.#current?.catch(() => {});
  }

  /** Decisions happen one after the other, each seeing the state that the one before has left. */
  async decide<T>(decision: () => Promise<T>): Promise<T> {
    const result = this.#decisions.then(decision);
    this.#decisions = result.catch(() => {});
    return await result;
  }
}
