// The source's images of a frozen application: all that is left of its memory, should the host lose its power now.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import { sizeOfFolder } from '../runtime/progress-watch.ts';
import { syncFolder, writeFileDurably } from '../store/durable-file.ts';

export class FrozenImages {
  /** One folder for each container. */
  readonly folder: string;
  #discarded = false;
  #marking: Promise<void> | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Beside the images and not among them: it must not travel. */
  get #marker(): string {
    return `${this.folder}.kept`;
  }

  /** Flushes them to disk, and says there that they are whole. */
  async keep(): Promise<void> {
    const files = await this.#files();
    if (files.length > 0) await runProcess('sync', ['--data', ...files], { timeoutMs: 0 });
    if (this.#discarded) return;
    this.#marking = writeFileDurably(this.#marker, '');
    await this.#marking;
  }

  /** They are whole, and nothing has run since they were made. */
  async areKept(): Promise<boolean> {
    return existsSync(this.#marker);
  }

  /** On disk when it resolves: the application will not be set back to them any more. */
  async discard(): Promise<void> {
    this.#discarded = true;
    await this.#marking?.catch(() => {});
    if (!existsSync(this.#marker)) return;
    await rm(this.#marker, { force: true });
    await syncFolder(join(this.folder, '..'));
  }

  async remove(): Promise<void> {
    await this.discard();
    await rm(this.folder, { recursive: true, force: true });
  }

  sizeBytes(): Promise<number> {
    return sizeOfFolder(this.folder);
  }

  async #files(): Promise<string[]> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
}
