// The members of a tar stream while it passes: headers of POSIX (ustar, pax) and of GNU tar, contents only where wanted.

export interface TarEntry {
  /** Without `./` and slashes around it; the root is the empty text. */
  path: string;
  type: 'file' | 'folder' | 'other';
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970; of a pax header with a fraction. */
  mtime: string;
  sizeBytes: number;
}

type State = 'header' | 'extension' | 'content' | 'skipped';
const blockBytes = 512;
/** A pax header holds attributes and names; beyond that it is none. */
const longestExtension = 1024 * 1024;

/** Takes a tar stream in pieces. What is damaged is passed over: the digest of the stream, not this, tells of it. */
export class TarEntries {
  readonly #onEntry: (entry: TarEntry) => ((content: Buffer) => void) | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #state: State = 'header';
  #left = 0;
  #padding = 0;
  /** Of the extension or content that is being collected. */
  #parts: Buffer[] = [];
  #finish: ((content: Buffer) => void) | undefined;
  #next: Record<string, string> = {};

  /** @param onEntry answers a function where the content is wanted */
  constructor(onEntry: (entry: TarEntry) => ((content: Buffer) => void) | undefined) {
    this.#onEntry = onEntry;
  }

  push(chunk: Uint8Array): void {
    let data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : Buffer.from(chunk);
    this.#rest = Buffer.alloc(0);
    while (data.length > 0) {
      if (this.#state === 'header') {
        if (data.length < blockBytes) {
          this.#rest = data;
          return;
        }
        this.#header(data.subarray(0, blockBytes));
        data = data.subarray(blockBytes);
      } else {
        const taken = data.subarray(0, this.#left);
        if (this.#state !== 'skipped') this.#parts.push(taken);
        this.#left -= taken.length;
        data = data.subarray(taken.length);
      }
      if (this.#state !== 'header' && this.#left === 0) this.#ended();
    }
  }

  #ended(): void {
    const content = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#finish?.(content);
    this.#finish = undefined;
    this.#left = this.#padding;
    this.#padding = 0;
    this.#state = this.#left > 0 ? 'skipped' : 'header';
  }

  #begin(state: State, sizeBytes: number, finish?: (content: Buffer) => void): void {
    this.#state = state;
    this.#left = sizeBytes;
    this.#padding = (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
    this.#finish = finish;
  }

  #header(block: Buffer): void {
    if (block.every((byte) => byte === 0)) return;
    const flag = String.fromCharCode(block[156]!);
    const sizeBytes = this.#next.size === undefined ? numberOf(block, 124, 12) : Number(this.#next.size);
    if ('xgLK'.includes(flag)) {
      const read: Record<string, (content: Buffer) => void> = {
        x: (content) => Object.assign(this.#next, paxRecords(content)),
        L: (content) => Object.assign(this.#next, { path: textOf(content, 0, content.length) }),
      };
      const keep = sizeBytes <= longestExtension && read[flag];
      this.#begin(keep ? 'extension' : 'skipped', sizeBytes, keep || undefined);
      return;
    }
    const next = this.#next;
    this.#next = {};
    const prefix =
      textOf(block, 257, 6).startsWith('ustar') && block[262] === 0 ? textOf(block, 345, 155) : '';
    const path = next.path ?? (prefix ? `${prefix}/` : '') + textOf(block, 0, 100);
    const entry: TarEntry = {
      path: path
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/'),
      type: flag === '5' ? 'folder' : flag === '0' || flag === '\0' || flag === '7' ? 'file' : 'other',
      mode: numberOf(block, 100, 8),
      uid: next.uid === undefined ? numberOf(block, 108, 8) : Number(next.uid),
      gid: next.gid === undefined ? numberOf(block, 116, 8) : Number(next.gid),
      mtime: next.mtime ?? String(numberOf(block, 136, 12)),
      sizeBytes,
    };
    const wanted = this.#onEntry(entry);
    // Of links and folders the size is no content's.
    const length = '123456'.includes(flag) ? 0 : sizeBytes;
    this.#begin(wanted ? 'content' : 'skipped', length, wanted);
  }
}

function textOf(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or, for what is too large for them, GNU's base 256. */
function numberOf(block: Buffer, at: number, length: number): number {
  const first = block[at]!;
  if (first === 0x80) return block.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
  const text = block
    .toString('latin1', at, at + length)
    .replaceAll('\0', ' ')
    .trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : 0;
}

/** `LENGTH KEY=VALUE\n`, the length counting all of it. */
function paxRecords(content: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, Math.max(space, at)));
    if (space < 0 || !(length > 0)) break;
    const text = content.toString('utf8', space + 1, at + length - 1);
    const equals = text.indexOf('=');
    records[text.slice(0, equals)] = text.slice(equals + 1);
    at += length;
  }
  return records;
}
