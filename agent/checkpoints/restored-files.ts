// The files of an application that is set back: made ready beside those in use, and put in their place or back again.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import { syncFolder } from '../store/durable-file.ts';
import type { RestoreJournal } from './restore-journal.ts';

const roots = ['containers', 'volumes'] as const;

export class RestoredFiles {
  /** The application's. */
  readonly #here: string;
  readonly #fresh: string;
  readonly #old: string;
  readonly #failed: string;

  constructor(here: string, journal: RestoreJournal, id: string) {
    this.#here = here;
    this.#fresh = journal.fresh(id);
    this.#old = journal.old(id);
    this.#failed = join(journal.folder(id), 'failed');
  }

  /** While the application runs: what is then only to be moved into its place. */
  async makeReady(checkpoint: string): Promise<void> {
    const fresh = this.#fresh;
    await mkdir(fresh, { recursive: true });
    const copy = ['-a', '--reflink=auto', '-t', fresh, '--', join(checkpoint, 'files')];
    await runProcess('cp', copy, { timeoutMs: 0 });
    // criu writes its log beside the images, but never into one of them.
    const images = ['-t', fresh, '--', join(checkpoint, 'images')];
    const linked = await runProcess('cp', ['-al', ...images], { allowedExitCodes: [0, 1], timeoutMs: 0 });
    if (linked.exitCode !== 0) await runProcess('cp', ['-a', ...images], { timeoutMs: 0 });
    for (const root of roots) await mkdir(join(fresh, 'files', root), { recursive: true });
    // Else it would be the pause that waits for the disk, or a power cut that finds empty files.
    await runProcess('sync', ['-f', fresh], { timeoutMs: 0 });
  }

  /** @param present those of its folders that are there now, and are put out of the way */
  async putInPlace(present: readonly string[]): Promise<void> {
    await mkdir(join(this.#old, 'files'), { recursive: true });
    for (const root of present) await rename(join(this.#here, root), join(this.#old, 'files', root));
    for (const root of roots) await rename(join(this.#fresh, 'files', root), join(this.#here, root));
    await syncFolder(this.#here);
  }

  /** However far `putInPlace` has come; may be called again. What came from the checkpoint is gone then. */
  async putBack(present: readonly string[]): Promise<void> {
    await mkdir(this.#failed, { recursive: true });
    for (const root of roots) {
      const old = join(this.#old, 'files', root);
      const isMoved = existsSync(old);
      // Where there was nothing to move, what is there now came from the checkpoint.
      if ((isMoved || !present.includes(root)) && existsSync(join(this.#here, root))) {
        await rm(join(this.#failed, root), { recursive: true, force: true });
        await rename(join(this.#here, root), join(this.#failed, root));
      }
      if (isMoved) await rename(old, join(this.#here, root));
    }
    await syncFolder(this.#here);
    // There may be no room for anything else.
    for (const folder of [this.#failed, this.#fresh]) await rm(folder, { recursive: true, force: true });
  }

  /** Of the one and of the other, while what ran before runs on in its place. */
  async removeAll(): Promise<void> {
    for (const folder of [this.#fresh, this.#old]) await rm(folder, { recursive: true, force: true });
  }
}
