// One YAML document as plain data that knows where in its file each part stands.
import type { LineCounter } from 'yaml';
import type { Path, Problems } from './problems.ts';

/** Where a value stands: offsets into the text of its file. */
export interface Place {
  /** Of the value. */
  at: number;
  /** Of the key that it belongs to, or of the `-` item; the value itself at the root. */
  keyAt: number;
  children: Map<string | number, Place>;
}

/** A file that manifests are read from. */
export interface SourceFile {
  /** As messages name it: as the user gave it, or `stdin`. */
  name: string;
  /** The folder that image paths are relative to. */
  folder: string;
  /** Its place in the order of the files of the run. */
  index: number;
  text: string;
}

/** One document; problems are added by the path of what is wrong. */
export class ManifestDocument {
  readonly file: SourceFile;
  readonly value: unknown;
  readonly #place: Place;
  readonly #lines: LineCounter;
  readonly #problems: Problems;
  /** Paths (as JSON) that a problem was found at. */
  readonly #failed = new Set<string>();
  /** Alias targets stand in one place of the file but at several paths: one cause, told once. */
  readonly #told = new Set<string>();

  constructor(file: SourceFile, value: unknown, place: Place, lines: LineCounter, problems: Problems) {
    this.file = file;
    this.value = value;
    this.#place = place;
    this.#lines = lines;
    this.#problems = problems;
  }

  /**
   * @param options.key points at the key of `path` instead of its value
   * @param options.cause problems of one place and one cause are told once; the message if absent
   */
  problem(path: Path, message: string, hint?: string, options: { key?: boolean; cause?: string } = {}): void {
    this.#failed.add(JSON.stringify(path));
    const offset = this.#offset(path, options.key ?? false);
    const cause = `${offset} ${options.cause ?? message}`;
    if (this.#told.has(cause)) return;
    this.#told.add(cause);
    this.#problems.add(whereOf(this.file, this.#lines, offset), [this.file.index, offset], message, hint);
  }

  /** What stands below a key, or is an item, as a document of its own with another value in its place. */
  part(path: Path, value: unknown): ManifestDocument {
    let place = this.#place;
    for (const segment of path) place = place.children.get(segment) ?? place;
    return new ManifestDocument(this.file, value, place, this.#lines, this.#problems);
  }

  /** Whether a problem was found at exactly this path. */
  failed(path: Path): boolean {
    return this.#failed.has(JSON.stringify(path));
  }

  /** file:line:column of a value, or of the nearest part around it. */
  where(path: Path): string {
    return whereOf(this.file, this.#lines, this.#offset(path, false));
  }

  #offset(path: Path, key: boolean): number {
    let place = this.#place;
    for (const [index, segment] of path.entries()) {
      const child = place.children.get(segment);
      // What is missing is reported where its parent begins, and that is at the parent's key.
      if (!child) return index === 0 ? place.at : place.keyAt;
      place = child;
    }
    return key ? place.keyAt : place.at;
  }
}

/** file:line:column */
export function whereOf(file: SourceFile, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file.name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
}
