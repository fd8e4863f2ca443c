// Images that are about to be used or just being sent, and so must stay though no application has them yet; and those
// that are going, for which whoever asks has to wait. All of it is decided in one moment, between two awaits.

/** From a question whether an image is here to the deployment or migration that it was asked for. */
const holdMs = 10 * 60_000;

export class ImageHolds {
  /** Digest -> until when, by the clock given. */
  readonly #held = new Map<string, number>();
  /** Digest -> how many works need it. */
  readonly #working = new Map<string, number>();
  readonly #going = new Map<string, Promise<unknown>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** For ten minutes, or until it is released. */
  hold(digest: string): void {
    this.#held.set(digest, this.#now() + holdMs);
  }

  /** Now that an application has them. */
  release(digests: Iterable<string>): void {
    for (const digest of digests) this.#held.delete(digest);
  }

  /** For as long as the work takes. */
  async during<T>(digest: string, work: () => Promise<T>): Promise<T> {
    this.#working.set(digest, (this.#working.get(digest) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = this.#working.get(digest)! - 1;
      if (left > 0) this.#working.set(digest, left);
      else this.#working.delete(digest);
    }
  }

  isHeld(digest: string): boolean {
    const until = this.#held.get(digest);
    if (until !== undefined && until <= this.#now()) this.#held.delete(digest);
    return this.#held.has(digest) || this.#working.has(digest);
  }

  /** Settles when the image, should it be going, has gone or stays after all. */
  async settled(digest: string): Promise<void> {
    await this.#going.get(digest)?.catch(() => {});
  }

  /**
   * Runs `remove` unless it is used or held; who asks for it meanwhile waits.
   * @param isUsed asked again at the last moment: in between it may have come into use
   * @returns whether it is gone; undefined where it is held
   */
  async removeUnused(
    digest: string,
    isUsed: (digest: string) => Promise<boolean>,
    remove: (digest: string) => Promise<void>,
  ): Promise<boolean | undefined> {
    if (await isUsed(digest)) return false;
    await this.settled(digest);
    if (this.isHeld(digest)) return undefined;
    const removing = async (): Promise<boolean> => {
      // From here on nobody is told any more that it is here.
      if (await isUsed(digest)) return false;
      await remove(digest);
      return true;
    };
    const going = removing().finally(() => this.#going.delete(digest));
    this.#going.set(digest, going);
    return going;
  }
}
