// Tells the network again and again, for a second, where an address now is.
import { setTimeout as sleep } from 'node:timers/promises';

/** A link that has just come up may, on a busy machine, throw away what is sent first. */
const pausesMs = [100, 300, 600];

export class Announcements {
  readonly #send: (application: string, address: string) => Promise<void>;
  readonly #repeating = new Map<string, AbortController>();

  /** `send` tells it once. */
  constructor(send: (application: string, address: string) => Promise<void>) {
    this.#send = send;
  }

  /** Tells it once before it settles, and a few times more in the background. */
  async begin(application: string, address: string): Promise<void> {
    this.end(application);
    const controller = new AbortController();
    this.#repeating.set(application, controller);
    await this.#send(application, address);
    void this.#repeat(application, address, controller.signal);
  }

  /** The address is no longer here. */
  end(application: string): void {
    this.#repeating.get(application)?.abort();
    this.#repeating.delete(application);
  }

  async #repeat(application: string, address: string, signal: AbortSignal): Promise<void> {
    try {
      for (const pauseMs of pausesMs) {
        await sleep(pauseMs, undefined, { signal, ref: false });
        await this.#send(application, address);
      }
    } catch {
      // It has ended, or the network is gone: there is nothing to tell any more.
    }
  }
}
