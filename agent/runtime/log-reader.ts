// Reads a container's log from its oldest rotated file to its end, and follows it through rotations.
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { CmigError } from '../../src/core/errors.ts';
import { parseDurationMs } from '../../src/core/units.ts';
import { type LogLine, LogLineReader } from './log-line.ts';

export interface LogRequest {
  /** The log's path; rotated files have `.1`, `.2` … appended. */
  file: string;
  /** So many lines from the end; all if absent. */
  tail?: number | undefined;
  /** Not older than this, in ms since 1970. */
  sinceMs?: number | undefined;
  follow?: boolean | undefined;
  signal: AbortSignal;
  /** Nothing more will be written: a follower may stop at the end. */
  isOver: () => boolean;
}

const chunkBytes = 64 * 1024;
const pollMs = 100;

/** An RFC 3339 time, or how long ago, such as 10m. @throws CmigError `invalid` */
export function parseSince(text: string, nowMs = Date.now()): number {
  if (/^[0-9.]+(ms|s|m|h)$/.test(text)) return nowMs - parseDurationMs(text);
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new CmigError('invalid', `"${text}" is neither a time nor a duration`, {
      hint: 'write it as 2026-01-31T12:00:00Z or 10m',
    });
  return time;
}

/** Lines, the oldest first. A log that does not exist has none. */
export async function* readLog(request: LogRequest): AsyncGenerator<LogLine> {
  const { tail, sinceMs } = request;
  const fits = ({ time }: LogLine): boolean => sinceMs === undefined || Date.parse(time) >= sinceMs;
  const cursor = new LogCursor(request.file);
  try {
    await cursor.openOldest();
    const kept: LogLine[] = [];
    for await (const line of cursor.lines(request.signal)) {
      if (!fits(line)) continue;
      if (tail === undefined) yield line;
      else if (tail > 0) {
        kept.push(line);
        if (kept.length > tail) kept.shift();
      }
    }
    yield* kept;
    while (request.follow && !request.signal.aborted) {
      // Asked before reading, so that what came between the last read and the end is not missed.
      const over = request.isOver();
      for await (const line of cursor.lines(request.signal)) if (fits(line)) yield line;
      if (over) return;
      await sleep(pollMs, undefined, { signal: request.signal }).catch(() => {});
    }
  } finally {
    await cursor.close();
  }
}

/** A position in a log that outlives rotations: a rotated file keeps its inode. */
class LogCursor {
  readonly #file: string;
  readonly #reader = new LogLineReader();
  #handle: FileHandle | undefined;
  #inode = 0;
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);
  #lastTime = '';
  /** Lines up to this one were read before. */
  #skipTo = '';

  constructor(file: string) {
    this.#file = file;
  }

  async openOldest(): Promise<void> {
    const [oldest] = await rotatedFiles(this.#file);
    if (oldest) await this.#open(oldest);
  }

  /** What is there beyond the position, to the end of the newest file. */
  async *lines(signal: AbortSignal): AsyncGenerator<LogLine> {
    while (!signal.aborted) {
      if (!this.#handle) {
        await this.openOldest();
        if (!this.#handle) return;
      }
      yield* this.#readToEnd(signal);
      // Read once more after it is known that there is a newer file: conmon may have written in between.
      const newer = await this.#newerFile();
      if (!newer) return;
      yield* this.#readToEnd(signal);
      await this.#openNext(newer);
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #open(file: string): Promise<void> {
    await this.close();
    this.#handle = await open(file, 'r').catch(() => undefined);
    this.#inode = (await this.#handle?.stat())?.ino ?? 0;
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
  }

  async *#readToEnd(signal: AbortSignal): AsyncGenerator<LogLine> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    while (this.#handle && !signal.aborted) {
      const { bytesRead } = await this.#handle.read(buffer, 0, chunkBytes, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const data = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
        const line = this.#reader.read(data.toString('utf8', start, end));
        start = end + 1;
        if (!line || line.time <= this.#skipTo) continue;
        this.#lastTime = line.time;
        yield line;
      }
      this.#rest = Buffer.from(data.subarray(start));
    }
  }

  /** The file that follows the one at hand; undefined where that is the newest. */
  async #newerFile(): Promise<LogFile | undefined> {
    const files = await stableFiles(this.#file);
    const at = files.findIndex(({ inode }) => inode === this.#inode);
    if (at >= 0) return files[at + 1];
    // Rotated away altogether: begin with the oldest that is left, without what was read of it before.
    this.#skipTo = this.#lastTime;
    return files[0];
  }

  /** Stays where it is if another file has the path by now: then it is looked for again. */
  async #openNext({ path, inode }: LogFile): Promise<void> {
    const handle = await open(path, 'r').catch(() => undefined);
    if (!handle || (await handle.stat()).ino !== inode) return await handle?.close();
    await this.close();
    this.#handle = handle;
    this.#inode = inode;
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
  }
}

interface LogFile {
  path: string;
  inode: number;
}

/** A rotation in the middle of looking would make a file seem to have been passed: two looks must agree. */
async function stableFiles(file: string): Promise<LogFile[]> {
  const look = async (): Promise<LogFile[]> => {
    const paths = await rotatedFiles(file);
    const inodes = await Promise.all(
      paths.map(async (path) => (await stat(path).catch(() => undefined))?.ino),
    );
    return paths.flatMap((path, index) => {
      const inode = inodes[index];
      return inode === undefined ? [] : [{ path, inode }];
    });
  };
  for (let before = await look(); ; ) {
    const now = await look();
    if (isDeepStrictEqual(now, before)) return now;
    before = now;
  }
}

/** The files of a log that exist, the oldest first. */
export async function rotatedFiles(file: string): Promise<string[]> {
  const name = basename(file);
  const entries = await readdir(dirname(file)).catch(() => []);
  const age = (entry: string): number => (entry === name ? 0 : Number(entry.slice(name.length + 1)));
  return entries
    .filter(
      (entry) =>
        entry === name || (entry.startsWith(`${name}.`) && /^[0-9]+$/.test(entry.slice(name.length + 1))),
    )
    .sort((a, b) => age(b) - age(a))
    .map((entry) => join(dirname(file), entry));
}

/** Merges logs by time. Each is in order by itself. */
export async function* mergeLogs<T extends { time: string }>(logs: AsyncIterator<T>[]): AsyncGenerator<T> {
  const heads = await Promise.all(logs.map((log) => log.next()));
  for (;;) {
    let earliest = -1;
    for (const [index, head] of heads.entries()) {
      if (head.done) continue;
      const best = heads[earliest];
      if (!best || best.done || head.value.time < best.value.time) earliest = index;
    }
    const head = heads[earliest];
    if (!head || head.done) return;
    yield head.value;
    heads[earliest] = await logs[earliest]!.next();
  }
}
