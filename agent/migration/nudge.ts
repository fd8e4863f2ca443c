// Wakes whoever waits for news, before the time is up.

export class Nudge {
  #wake: (() => void)[] = [];

  /** Resolves at the next give(). */
  next(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  give(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
