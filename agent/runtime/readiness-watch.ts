// Probes one container again and again: often until it is ready, calmly afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompleteReadiness } from '../../src/contract/defaults.ts';
import { parseDurationMs } from '../../src/core/units.ts';

export interface ReadinessListener {
  onReady(): void;
  /** With what was found instead. */
  onUnready(found: string): void;
}

/** Once ready, a container is looked at less often: probes must not be a load. */
const calmIntervalMs = 5000;
/** One that does not answer any more is looked at again soon, though not so soon that a short pause counts as an end. */
const doubtfulIntervalMs = 1000;
const failuresUntilUnready = 3;

export class ReadinessWatch {
  readonly #listener: ReadinessListener;
  #current: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(listener: ReadinessListener) {
    this.#listener = listener;
  }

  /**
   * Begins anew. Where nothing says how to tell, a container that runs is ready.
   * @param wasReady it was ready before, and counts as such until several probes fail
   * @param probe one attempt: undefined where it is ready, else what was found instead
   */
  begin(
    ready: CompleteReadiness | undefined,
    wasReady: boolean,
    probe: () => Promise<string | undefined>,
  ): void {
    this.#current?.abort();
    if (!ready) {
      this.#listener.onReady();
      return;
    }
    const controller = new AbortController();
    this.#current = controller;
    // Its only end is the abortion of a sleep.
    this.#ended = this.#watch(parseDurationMs(ready.interval), wasReady, probe, controller.signal).catch(
      () => {},
    );
  }

  /** Settles when no probe is inside the container any more. */
  async stop(): Promise<void> {
    this.#current?.abort();
    await this.#ended;
  }

  async #watch(
    intervalMs: number,
    wasReady: boolean,
    probe: () => Promise<string | undefined>,
    signal: AbortSignal,
  ): Promise<void> {
    let isReady = wasReady;
    let failures = 0;
    while (!signal.aborted) {
      const found = await probe().catch((error: Error) => error.message);
      if (signal.aborted) return;
      failures = found === undefined ? 0 : failures + 1;
      if (found === undefined) {
        isReady = true;
        this.#listener.onReady();
      } else if (!isReady || failures >= failuresUntilUnready) {
        isReady = false;
        this.#listener.onUnready(found);
      }
      const atLeastMs = !isReady ? 0 : failures === 0 ? calmIntervalMs : doubtfulIntervalMs;
      await sleep(Math.max(intervalMs, atLeastMs), undefined, { signal });
    }
  }
}
