// Files, folders and standard input -> the text of manifests, never more of it than a manifest can be.
import { isUtf8 } from 'node:buffer';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { didYouMean } from '../core/near-names.ts';
import type { SourceFile } from './document.ts';
import type { Problems } from './problems.ts';

/** The largest manifest file, in bytes: even the most tangled one is read within a second or two. */
export const maxManifestBytes = 256 * 1024;

export interface SourceOptions {
  /** Folders are read with all folders below them. */
  recursive?: boolean;
  /** What `-` stands for; this process's standard input if absent. */
  stdin?: Readable;
}

/** What `-f` names, in order, a folder's files by name; what cannot be read is added to `problems`. */
export async function readSources(
  paths: readonly string[],
  options: SourceOptions,
  problems: Problems,
): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const read = new Set<string>();
  let index = -1;
  const add = async (name: string, folder: string, bytes: () => Promise<Uint8Array>): Promise<void> => {
    index += 1;
    const text = decode(name, index, await bytes(), problems);
    if (text !== undefined) files.push({ name, folder, index, text });
  };
  for (const path of paths) {
    try {
      if (path === '-') {
        await add('stdin', process.cwd(), () => upTo(options.stdin ?? process.stdin));
        continue;
      }
      for (const file of await filesAt(path, options.recursive ?? false)) {
        // A file that is named twice, as itself and with its folder, is one file.
        const real = await realpath(file);
        if (read.has(real)) continue;
        read.add(real);
        await add(file, dirname(file), () => readLimited(file));
      }
    } catch (error) {
      const { message, hint } = await readProblem(path, error);
      problems.add(path === '-' ? 'stdin' : path, [++index], message, hint);
    }
  }
  return files;
}

/** Why a source could not be read. */
class SourceProblem extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

async function filesAt(path: string, recursive: boolean): Promise<string[]> {
  const kind = await stat(path);
  if (!kind.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive });
  const names = entries
    .filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name))
    // A schema that stands beside the manifests for editors is none of them.
    .filter((entry) => !entry.name.endsWith('.schema.json'))
    .map((entry) => join(entry.parentPath, entry.name));
  if (names.length > 0) return names.sort();
  throw new SourceProblem(
    'holds no *.yaml, *.yml or *.json file',
    !recursive && entries.some((entry) => entry.isDirectory())
      ? 'folders below it are read with -R'
      : undefined,
  );
}

async function readLimited(path: string): Promise<Uint8Array> {
  const kind = await stat(path);
  if (kind.isDirectory()) throw new SourceProblem('is a folder, not a file');
  if (kind.isBlockDevice() || kind.isSocket()) throw new SourceProblem('is not a file');
  if (kind.size > maxManifestBytes) throw tooLarge(kind.size);
  const file = await open(path);
  try {
    return await upTo(file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }));
  } finally {
    await file.close();
  }
}

/** All of a stream that ends within the limit. */
async function upTo(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as string | Uint8Array);
    size += bytes.length;
    if (size > maxManifestBytes) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (size?: number): SourceProblem =>
  new SourceProblem(
    `is larger than a manifest may be (${size === undefined ? 'more than' : `${(size / 2 ** 20).toFixed(1)} MiB of`} ${maxManifestBytes / 1024} KiB)`,
    'is it an image? Manifests name images as dir:PATH or tar:PATH',
  );

async function readProblem(
  path: string,
  error: unknown,
): Promise<{ message: string; hint?: string | undefined }> {
  if (error instanceof SourceProblem) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return { message: `cannot be read: ${message}` };
  if (/^https?:/.test(path))
    return { message: 'is a URL, not a file', hint: 'fetch it first, and give the file or -' };
  const siblings = await readdir(dirname(path)).catch(() => []);
  return { message: 'there is no such file or folder', hint: didYouMean(basename(path), siblings) };
}

function decode(name: string, index: number, bytes: Uint8Array, problems: Problems): string | undefined {
  if (bytes.length === 0) {
    problems.add(
      name,
      [index],
      'is empty',
      'a manifest begins with apiVersion and kind: see cmig explain application',
    );
    return undefined;
  }
  if (!isUtf8(bytes)) {
    const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const where = `${name}:${position(bytes, validLength(bytes))}`;
    problems.add(
      where,
      [index],
      'is not UTF-8 text',
      wide ? 'it looks like UTF-16: save it as UTF-8' : undefined,
    );
    return undefined;
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    problems.add(`${name}:${position(bytes, nul)}`, [index], 'is not a text file: it holds a NUL byte');
    return undefined;
  }
  // TextDecoder leaves a byte order mark out.
  return new TextDecoder().decode(bytes);
}

/** How many bytes from the start are UTF-8. */
function validLength(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      valid = middle;
    } catch {
      invalid = middle;
    }
  }
  return valid;
}

/** line:column of a byte. */
function position(bytes: Uint8Array, offset: number): string {
  const before = Buffer.from(bytes.subarray(0, offset)).toString('latin1').split('\n');
  return `${before.length}:${before.at(-1)!.length + 1}`;
}
