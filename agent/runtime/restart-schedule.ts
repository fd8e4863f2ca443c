// When a container that ended by itself comes back: later each time, until it has run for long.
import { forgivenAfterMs, restartDelayMs } from './start-order.ts';

export class RestartSchedule {
  readonly #restart: () => void;
  #exitsInARow = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(restart: () => void) {
    this.#restart = restart;
  }

  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  /** @param ranMs how long it ran. @returns how long it waits, in ms */
  plan(ranMs: number): number {
    if (ranMs > forgivenAfterMs) this.#exitsInARow = 0;
    const delayMs = restartDelayMs(++this.#exitsInARow);
    this.cancel();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#restart();
    }, delayMs);
    return delayMs;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
