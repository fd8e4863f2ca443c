// Captures the files of an application at one instant: nearly all of it beforehand, the rest while it stands still.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import { madeAnew, timeStepMs } from '../store/application-files.ts';
import { copyLocally, told } from './local-copy.ts';

export interface FileCaptureOptions {
  /** The application's folder. */
  folder: string;
  /** The checkpoint in the making; `files` is made in it. */
  checkpoint: string;
  /** The checkpoint before it: its folder, and when it was taken. */
  previous?: { folder: string; frozenAtMs: number } | undefined;
  /** Files that processes write through memory just now, as paths below `folder`. */
  mappedFiles: () => Promise<string[]>;
}

/**
 * Where the file system can share blocks (btrfs, xfs) everything is cloned while the application stands still. Else it
 * is copied beforehand, as hard links where it is as in the checkpoint before, and what changed since is copied again.
 *
 * What changed is told by the time of the last change of a file's inode, which no program can set back; but not for a
 * file that is written through a shared mapping: its times stay as they are for as long as the kernel has not written
 * the page back. Those are listed, in the checkpoint for the next one too, and copied whatever their times say.
 */
export class FileCapture {
  readonly #options: FileCaptureOptions;
  readonly #mapped = new Set<string>();
  #clones = false;
  #startedAtMs = 0;

  constructor(options: FileCaptureOptions) {
    this.#options = options;
  }

  get #scratch(): string {
    return `${this.#options.checkpoint}/work`;
  }
  get #prepared(): string {
    return join(this.#scratch, 'prepared');
  }
  get #roots(): string[] {
    return ['containers', 'volumes'].filter((root) => existsSync(join(this.#options.folder, root)));
  }

  /** While the application runs. */
  async prepare(): Promise<void> {
    await mkdir(this.#scratch, { recursive: true });
    this.#clones = await canClone(this.#options.folder, this.#scratch);
    if (this.#clones) return;
    const { folder, previous } = this.#options;
    this.#startedAtMs = Date.now();
    await this.#noteMapped();
    const roots = this.#roots;
    const compared = join(this.#scratch, 'compared');
    const old = previous ? join(previous.folder, 'files') : undefined;
    if (previous && old) {
      const listFile = await this.#listChanged(previous.frozenAtMs, await readMapped(previous.folder));
      const only = { listFile, by: 'content' } as const;
      await copyLocally({ folder, roots, into: compared, sameAs: [old], only });
    }
    const sameAs = old ? [compared, old].filter((each) => existsSync(each)) : [];
    await copyLocally({ folder, roots, into: this.#prepared, sameAs });
  }

  /** While every process of it stands still. */
  async finish(): Promise<void> {
    const { folder, checkpoint } = this.#options;
    const into = join(checkpoint, 'files');
    await this.#noteMapped();
    if (this.#clones) return this.#clone(into);
    const roots = this.#roots;
    const changed = join(this.#scratch, 'changed');
    const listFile = await this.#listChanged(this.#startedAtMs, [...this.#mapped]);
    await copyLocally({ folder, roots, into: changed, sameAs: [], only: { listFile, by: 'copy' } });
    const sameAs = [changed, this.#prepared].filter((each) => existsSync(each));
    await copyLocally({ folder, roots, into, sameAs });
  }

  /** When the application runs again. */
  async tidy(): Promise<void> {
    await mkdir(join(this.#options.checkpoint, 'files'), { recursive: true });
    await writeFile(
      join(this.#options.checkpoint, 'mapped'),
      Buffer.from([...this.#mapped].map((path) => `${path}\0`).join(''), 'latin1'),
    );
    await rm(this.#scratch, { recursive: true, force: true });
  }

  async #noteMapped(): Promise<void> {
    for (const path of await this.#options.mappedFiles())
      this.#mapped.add(Buffer.from(path).toString('latin1'));
  }

  /** Regular files whose inode changed since then, and the given ones. */
  async #listChanged(sinceMs: number, others: readonly string[]): Promise<string> {
    const listFile = join(this.#scratch, 'list');
    await writeFile(listFile, '');
    const pruned = madeAnew.flatMap((pattern) => ['-path', pattern, '-prune', '-o']);
    const since = `@${(sinceMs - timeStepMs) / 1000}`;
    if (this.#roots.length > 0)
      await runProcess(
        'find',
        [...this.#roots, ...pruned, '-type', 'f', '-newerct', since, '-fprint0', listFile],
        // 1: something went while it looked.
        { cwd: this.#options.folder, allowedExitCodes: [0, 1], timeoutMs: 0 },
      );
    await writeFile(listFile, Buffer.from(others.map((path) => `${path}\0`).join(''), 'latin1'), {
      flag: 'a',
    });
    return listFile;
  }

  async #clone(into: string): Promise<void> {
    const { folder } = this.#options;
    const clone = (sources: string[], target: string) =>
      runProcess('cp', ['-a', '--reflink=always', '-t', target, '--', ...sources], { timeoutMs: 0 });
    try {
      await mkdir(join(into, 'containers'), { recursive: true });
      if (existsSync(join(folder, 'volumes'))) await clone([join(folder, 'volumes')], into);
      for (const name of await readdir(join(folder, 'containers')).catch(() => [])) {
        const from = join(folder, 'containers', name);
        const entries = (await readdir(from)).filter((entry) => entry !== 'bundle' && entry !== 'work');
        await mkdir(join(into, 'containers', name));
        if (entries.length === 0) continue;
        await clone(
          entries.map((entry) => join(from, entry)),
          join(into, 'containers', name),
        );
      }
    } catch (error) {
      throw told(error);
    }
  }
}

const readMapped = async (checkpoint: string): Promise<string[]> =>
  (await readFile(join(checkpoint, 'mapped'), 'latin1').catch(() => '')).split('\0').filter(Boolean);

/** Do these two folders lie on one file system that can share blocks? Tried out, since nothing tells it beforehand. */
async function canClone(from: string, to: string): Promise<boolean> {
  const probe = join(to, 'probe');
  const source = join(from, 'application.json');
  const { exitCode } = await runProcess('cp', ['--reflink=always', '--', source, probe], {
    allowedExitCodes: [0, 1],
  });
  await rm(probe, { force: true });
  return exitCode === 0;
}
