// One upload of a layer: chunks go to tar as they come, hashed on the way, no faster than tar takes them.
import type { Hash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';

const outputKept = 4096;
const blockBytes = 512;

export interface Upload {
  digest: string;
  /** Holds `rootfs`, into which the archive is unpacked. */
  folder: string;
}

export class LayerUpload {
  readonly digest: string;
  readonly folder: string;
  /** When it last heard from its sender, in ms of the clock given. */
  touchedAt: number;
  readonly #now: () => number;
  readonly #hash: Hash;
  readonly #tar: BackgroundProcess;
  readonly #argv: string[];
  #output = '';
  #next = 0;
  #bytes = 0;
  #failure: Error | undefined;
  /** Writes follow one another, however many chunks are under way. */
  #last: Promise<void> = Promise.resolve();

  constructor({ digest, folder }: Upload, hash: Hash, now: () => number) {
    this.digest = digest;
    this.folder = folder;
    this.#hash = hash;
    this.#now = now;
    this.touchedAt = now();
    // tar itself strips leading slashes, refuses `..` and does not follow links that it has just made.
    this.#argv = [
      ...['-x', '-f', '-', '-C', join(folder, 'rootfs'), '-p', '--numeric-owner', '--same-owner'],
      ...['--xattrs', '--xattrs-include=*', '--delay-directory-restore', '--no-overwrite-dir'],
    ];
    this.#tar = spawnProcess('tar', this.#argv, { stdio: ['pipe', 'ignore', 'pipe'], env: { LC_ALL: 'C' } });
    this.#tar.stderr?.on('data', (chunk) => {
      this.#output = (this.#output + String(chunk)).slice(-outputKept);
    });
    // A tar that ends early breaks the pipe; end() says why.
    this.#tar.stdin?.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  /** Settles when tar can take more. @throws CmigError `invalid` where a chunk is missing, or tar has given up */
  async write(sequence: number, data: Uint8Array): Promise<void> {
    this.touchedAt = this.#now();
    if (sequence < this.#next) return this.#last;
    if (sequence > this.#next)
      throw new CmigError('invalid', `chunk ${sequence} of an image came, ${this.#next} was expected`);
    this.#next++;
    this.#last = this.#last.then(() => this.#append(data));
    return this.#last;
  }

  /** @returns the bytes of the archive. @throws CmigError `invalid` */
  async end(): Promise<number> {
    this.touchedAt = this.#now();
    await this.#last;
    // Some tools leave out what fills up the last block, where GNU tar sees an end too early; the digest tells a true one.
    const lacking = (blockBytes - (this.#bytes % blockBytes)) % blockBytes;
    this.#tar.stdin?.end(Buffer.alloc(lacking));
    const { exitCode, signal } = await this.#tar.ended;
    if (exitCode !== 0) throw this.#refusal(exitCode, signal);
    const digest = `sha256:${this.#hash.digest('hex')}`;
    if (digest !== this.digest)
      throw new CmigError('invalid', `the image that came has the digest ${digest}, not ${this.digest}`, {
        hint: 'its source changed while it was sent, or the transfer was damaged: apply again',
      });
    return this.#bytes;
  }

  async abort(): Promise<void> {
    this.#tar.kill('SIGKILL');
    await this.#tar.ended;
  }

  async #append(data: Uint8Array): Promise<void> {
    this.#hash.update(data);
    this.#bytes += data.byteLength;
    const { stdin } = this.#tar;
    if (!this.#failure && stdin?.writable) {
      if (stdin.write(data)) return;
      await Promise.race([once(stdin, 'drain').catch(() => {}), this.#tar.ended]);
      if (!this.#failure && stdin.writable) return;
    }
    const { exitCode, signal } = await this.#tar.ended;
    // A tar that stopped reading behind the end of the archive has not failed.
    if (exitCode !== 0) throw this.#refusal(exitCode, signal);
  }

  #refusal(exitCode: number | undefined, signal: string | undefined): CmigError {
    const lines = this.#output.split('\n').filter(Boolean).slice(-12);
    const told = lines.find((line) => !/Exiting with failure|Error is not recoverable/.test(line));
    const text = told?.replace(/^tar: /, '') ?? (signal ? `killed by ${signal}` : `exit code ${exitCode}`);
    return new CmigError('invalid', `the image cannot be unpacked: ${text}`, {
      hint: /compressed|look like a tar/.test(this.#output)
        ? 'an image is an uncompressed tar archive of a root file system'
        : undefined,
      tool: {
        argv: ['tar', ...this.#argv],
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(signal ? { signal } : {}),
        output: lines,
      },
    });
  }
}
