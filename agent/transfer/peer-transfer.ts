// Sends files to peers: rsync over one shared SSH connection per peer, into the folder that the peer keeps for it.
import { join } from 'node:path';
import type { HostRecord } from '../../src/contract/host.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { readProgressBytes, readSentBytes } from './rsync-output.ts';
import {
  closeConnection,
  isConnected,
  openConnection,
  probeConnection,
  type SshFiles,
  sshCommandLine,
  sshTarget,
} from './ssh-connection.ts';
import { transferError } from './transfer-error.ts';

export interface TransferProgress {
  /** Of the files' contents, whether sent or found equal at the peer. */
  bytes: number;
  bytesPerSecond: number;
}

export interface SendRequest {
  /**
   * Absolute paths with a `/./` in them: what stands behind it is the path below the destination.
   * `/a/b/./c/d` arrives as `<destination>/c/d`; `/a/b/./` sends what is in b. All go in one call, since each call
   * costs some 50 ms.
   */
  sources: string[];
  /** Below the peer's `incoming`: `m-…` (a migration) or `images/<hex>`; the peer refuses any other. */
  destination: string;
  /**
   * `files` (the default): everything that a file has, changed parts only, in place. `images`: criu's images, which are
   * new and whole, without looking for what the peer may have already.
   */
  content?: 'files' | 'images';
  /** What is gone from a source goes at the peer too. */
  deleteExtra?: boolean;
  /**
   * Only these: a file of paths below the one source, each ended by a zero byte. Their contents are compared, whatever
   * their times say; one that is gone is passed over.
   */
  listFile?: string;
  onProgress?: (progress: TransferProgress) => void;
  signal?: AbortSignal;
  /** For rsync; those with effect at the peer must be on the list of its receive guard. */
  extraArgs?: string[];
}

/**
 * - `-@-1`: compares times to the nanosecond; by default a file of the same size that was written again within
 *   the same second counts as unchanged.
 * - `--inplace`: no second copy at the peer, so a changed page of a large file costs one page of writing.
 * - overlayfs' own notes on where a file was copied up from are meant for this host's file system only. A rule for
 *   xattrs replaces rsync's own, hence the one for system.*.
 */
const contentArguments = {
  files: [
    ...['-aHAXS', '--inplace', '-@-1', '--delete-delay'],
    ...['--filter=-x system.*', '--filter=-x trusted.overlay.origin'],
  ],
  // SSH guards what is under way already, and rsync's own checksum would cost a tenth of the time.
  images: ['-rlptW', '--inplace', '-I', '--checksum-choice=none'],
};

/** rsync tells of every file; who listens is often at the other end of a broker, and the application may be frozen. */
const betweenReportsMs = 150;

export class PeerTransfer {
  readonly #files: SshFiles;
  /** Connections that are being opened, so that two senders share one. */
  readonly #opening = new Map<string, Promise<void>>();

  /** How many sends are under way, by peer. */
  readonly #sending = new Map<string, number>();

  constructor(options: { identityFile: string; knownHostsFile: string; runDirectory: string }) {
    this.#files = {
      identityFile: options.identityFile,
      knownHostsFile: options.knownHostsFile,
      controlDirectory: join(options.runDirectory, 'ssh'),
    };
  }

  /**
   * Opens the connection that later sends share, if it is not open. It closes by itself after two minutes of silence.
   * @throws CmigError `unreachable`, or `failed` where the host's key or ours is not the one expected
   */
  async connect(peer: HostRecord): Promise<void> {
    const under = this.#opening.get(peer.name);
    if (under) return under;
    const opening = this.#connectOnce(peer).finally(() => this.#opening.delete(peer.name));
    this.#opening.set(peer.name, opening);
    return opening;
  }

  /** Logs in anew. @throws CmigError as `connect` */
  probe(peer: HostRecord): Promise<void> {
    return probeConnection(this.#files, peer);
  }

  isConnected(peer: HostRecord): Promise<boolean> {
    return isConnected(this.#files, peer);
  }

  /** Ends the connection, unless somebody else is still sending over it; then it ends by itself. */
  async disconnect(peer: HostRecord): Promise<void> {
    if (!this.#sending.get(peer.name)) await closeConnection(this.#files, peer);
  }

  /**
   * Sends files; connects where that was not done before.
   * @returns the bytes that went over the wire
   * @throws CmigError that tells an unreachable peer, a refused key, a wrong host key and a full disk apart
   */
  async send(peer: HostRecord, request: SendRequest): Promise<{ bytes: number }> {
    const { sources, content = 'files', onProgress } = request;
    for (const source of sources)
      if (!source.startsWith('/') || !source.includes('/./'))
        throw new CmigError(
          'failed',
          `the source ${source} does not say with /./ what it is called at the peer`,
        );
    const args = [
      ...contentArguments[content].filter((each) => each !== '--delete-delay' || request.deleteExtra),
      ...['-R', '--numeric-ids', '--no-s', '--timeout=30', '--stats', '--no-h', '--outbuf=L'],
      ...(onProgress ? ['--info=progress2'] : []),
      ...(request.listFile
        ? ['-I', '--from0', `--files-from=${request.listFile}`, '--ignore-missing-args']
        : []),
      ...(request.extraArgs ?? []),
      ...[
        '-e',
        sshCommandLine(this.#files, peer),
        '--',
        ...sources,
        `${sshTarget(peer)}:${request.destination}/`,
      ],
    ];
    const startedAt = performance.now();
    let reportedAt = startedAt;
    let bytesSoFar = 0;
    const report = (): void => {
      reportedAt = performance.now();
      const seconds = (reportedAt - startedAt) / 1000;
      onProgress?.({ bytes: bytesSoFar, bytesPerSecond: Math.round(bytesSoFar / Math.max(seconds, 0.001)) });
    };
    const read = (line: string): void => {
      bytesSoFar = readProgressBytes(line) ?? bytesSoFar;
      if (performance.now() - reportedAt >= betweenReportsMs) report();
    };
    this.#count(peer, 1);
    try {
      const { stdout } = await runProcess('rsync', args, {
        timeoutMs: 0,
        env: { LC_ALL: 'C' },
        // 24: a file went while it was being sent, as files of a running application do.
        allowedExitCodes: [0, 24],
        ...(onProgress ? { onLine: read } : {}),
        ...(request.signal ? { signal: request.signal } : {}),
      });
      if (bytesSoFar > 0) report();
      return { bytes: readSentBytes(stdout) };
    } catch (error) {
      throw transferError(error, peer);
    } finally {
      this.#count(peer, -1);
    }
  }

  #count(peer: HostRecord, change: 1 | -1): void {
    this.#sending.set(peer.name, (this.#sending.get(peer.name) ?? 0) + change);
  }

  async #connectOnce(peer: HostRecord): Promise<void> {
    if (!(await this.isConnected(peer))) await openConnection(this.#files, peer);
  }
}
