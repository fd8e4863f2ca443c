// Notices that a program which should be getting on is not: a limit that fits work of any size.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';

const lookEveryMs = 500;

export class ProgressWatch {
  /** Rejects with `timeout` when the measure has not changed for too long. */
  readonly expired: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  /**
   * `what` begins the sentence "… did not get on for 15 s"; `nudge` is tried once, when a third of that has passed.
   */
  constructor(
    measure: () => Promise<number>,
    silenceAtMostMs: number,
    what: string,
    nudge?: () => Promise<void>,
  ) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.expired = promise;
    promise.catch(() => {});
    let last = -1;
    let lastAt = performance.now();
    let nudged = false;
    let measuring = false;
    this.#timer = setInterval(async () => {
      // Where one takes longer than that, more of them at once would leave no time for what is waited for.
      if (measuring) return;
      measuring = true;
      const now = await measure().catch(() => last);
      measuring = false;
      if (now !== last) {
        last = now;
        lastAt = performance.now();
        nudged = false;
        return;
      }
      const silentMs = performance.now() - lastAt;
      if (silentMs > silenceAtMostMs)
        reject(
          new CmigError('timeout', `${what} did not get on for ${silenceAtMostMs / 1000} s and was ended`),
        );
      if (nudged || silentMs < silenceAtMostMs / 3) return;
      nudged = true;
      await nudge?.().catch(() => {});
    }, lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The bytes of all files below a folder. */
export async function sizeOfFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (each) => (await stat(join(each.parentPath, each.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
