// A queue between one who pushes at any time and one who iterates.
export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #state: 'open' | 'ended' | { error: unknown } = 'open';
  #wake: (() => void) | undefined;

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#state !== 'open') return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** Iteration ends after what is in the queue. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake?.();
  }

  /** Iteration throws after what is in the queue. */
  fail(error: unknown): void {
    if (this.#state === 'open') this.#state = { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.#items.length > 0) yield this.#items.shift()!;
      else if (this.#state === 'ended') return;
      else if (this.#state !== 'open') throw this.#state.error;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
