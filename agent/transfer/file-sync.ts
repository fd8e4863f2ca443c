// Brings an application's files to a peer in passes, and misses no change although rsync looks at times and sizes only.
import { existsSync } from 'node:fs';
import { lstat, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostRecord } from '../../src/contract/host.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { madeAnew, timeStepMs } from '../store/application-files.ts';
import type { PeerTransfer, SendRequest } from './peer-transfer.ts';
import { absolutePath, plainPaths } from './plain-paths.ts';

export interface FileSyncOptions {
  /** The application's folder, with `containers` and `volumes`. */
  folder: string;
  /** As for PeerTransfer.send. */
  destination: string;
  /** A file of the caller's that this may write to. */
  listFile: string;
  /** Files that processes write through memory, as paths below `folder`; asked for around every pass. */
  mappedFiles: () => Promise<string[]>;
}

type PassOptions = Pick<SendRequest, 'signal' | 'onProgress'>;

/**
 * rsync takes a file for unchanged where time and size are the same, which is wrong for two kinds of files:
 * - one that was read within the same step of the clock in which it had been written, and then once more;
 * - one that is written through a shared mapping: its time changes with the first write to a page only, and stays
 *   until the kernel has written that page back.
 * Both are kept count of, and their contents compared: the first as soon as the clock has moved on, the second in the
 * last pass, when their processes stand still.
 */
export class FileSync {
  readonly #transfer: PeerTransfer;
  readonly #peer: HostRecord;
  readonly #options: FileSyncOptions;
  readonly #mapped = new Set<string>();
  /** Path (its bytes as latin1) -> time and size at which it is doubtful. */
  #recent = new Map<string, string>();

  constructor(transfer: PeerTransfer, peer: HostRecord, options: FileSyncOptions) {
    this.#transfer = transfer;
    this.#peer = peer;
    this.#options = options;
  }

  /** One pass while the application runs. @returns the bytes that went over the wire */
  async pass(options: PassOptions = {}): Promise<{ bytes: number }> {
    await this.#noteMapped();
    const startedAt = Date.now();
    const result = await this.#sendAll(options);
    await this.#noteMapped();
    for (const path of await this.#writtenSince(startedAt - timeStepMs))
      this.#recent.set(path, (await this.#stateOf(path)) ?? '');
    return result;
  }

  /** Clears up, while the application still runs, what the passes left in doubt. */
  async settle({ signal }: PassOptions = {}): Promise<{ bytes: number }> {
    if (this.#recent.size === 0) return { bytes: 0 };
    await sleep(timeStepMs + 5, undefined, signal ? { signal } : {});
    const startedAt = Date.now();
    const result = await this.#sendListed([...this.#recent.keys()], signal);
    const stillRecent = new Map<string, string>();
    for (const path of this.#recent.keys()) {
      const stats = await lstat(this.#absolute(path)).catch(() => undefined);
      if (stats && stats.mtimeMs >= startedAt - timeStepMs)
        stillRecent.set(path, (await this.#stateOf(path)) ?? '');
    }
    this.#recent = stillRecent;
    return result;
  }

  /** The last pass, while every process of the application stands still. */
  async finish({ signal }: PassOptions = {}): Promise<{ bytes: number }> {
    const doubtful = [...this.#mapped].map((path) => Buffer.from(path).toString('latin1'));
    // One whose time or size is another by now is seen by rsync itself.
    for (const [path, state] of this.#recent) if ((await this.#stateOf(path)) === state) doubtful.push(path);
    const first = await this.#sendListed(doubtful, signal);
    const rest = await this.#sendAll(signal ? { signal } : {});
    return { bytes: first.bytes + rest.bytes };
  }

  async #noteMapped(): Promise<void> {
    for (const path of await this.#options.mappedFiles()) this.#mapped.add(path);
  }

  #sendAll(options: PassOptions): Promise<{ bytes: number }> {
    const { folder, destination } = this.#options;
    return this.#transfer.send(this.#peer, {
      sources: this.#roots().map((root) => `${folder}/./${root}`),
      destination,
      deleteExtra: true,
      extraArgs: madeAnew.map((pattern) => `--exclude=/${pattern}`),
      ...options,
    });
  }

  async #sendListed(paths: string[], signal: AbortSignal | undefined): Promise<{ bytes: number }> {
    const { folder, destination, listFile } = this.#options;
    const plain = await plainPaths(folder, paths);
    if (plain.length === 0) return { bytes: 0 };
    await writeFile(listFile, Buffer.from(plain.map((path) => `${path}\0`).join(''), 'latin1'));
    return this.#transfer.send(this.#peer, {
      sources: [`${folder}/./`],
      destination,
      listFile,
      ...(signal ? { signal } : {}),
    });
  }

  /** Regular files whose content changed since then, as paths below the folder. */
  async #writtenSince(timeMs: number): Promise<string[]> {
    const roots = this.#roots();
    if (roots.length === 0) return [];
    const { folder, listFile } = this.#options;
    const pruned = madeAnew.flatMap((pattern) => ['-path', pattern, '-prune', '-o']);
    const wanted = ['-type', 'f', '-newermt', `@${timeMs / 1000}`, '-fprint0', listFile];
    // 1: something went while it looked.
    await runProcess('find', [...roots, ...pruned, ...wanted], { cwd: folder, allowedExitCodes: [0, 1] });
    return (await readFile(listFile, 'latin1')).split('\0').filter(Boolean);
  }

  async #stateOf(path: string): Promise<string | undefined> {
    const stats = await lstat(this.#absolute(path), { bigint: true }).catch(() => undefined);
    return stats && `${stats.mtimeNs} ${stats.size}`;
  }

  #roots(): string[] {
    return ['containers', 'volumes'].filter((root) => existsSync(join(this.#options.folder, root)));
  }

  #absolute(path: string): Buffer {
    return absolutePath(this.#options.folder, path);
  }
}
