// Where the images of a manifest stand: each must be there, be what it says it is, and lie in the manifest's folder.
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, relative, resolve } from 'node:path';
import { didYouMean } from '../core/near-names.ts';
import type { ManifestDocument } from './document.ts';
import { containersOf, textOf } from './loose.ts';
import { shown } from './problems.ts';

export interface ImageSource {
  form: 'dir' | 'tar';
  /** Absolute, with all symbolic links followed. */
  path: string;
}

interface Finding {
  message: string;
  hint?: string | undefined;
}

/**
 * The images by the names of their containers; what is wrong is added to the document's problems.
 * @param allowOutside images may lie outside of the folder of the manifest
 */
export async function checkImages(
  document: ManifestDocument,
  allowOutside: boolean,
): Promise<Record<string, ImageSource>> {
  const images: Record<string, ImageSource> = {};
  for (const { fields, path, name } of containersOf(document.value)) {
    const at = [...path, 'image'];
    const match = /^(dir|tar):(.+)$/s.exec(textOf(fields.image) ?? '');
    if (!match || document.failed(at)) continue;
    const form = match[1] as ImageSource['form'];
    const found = await findImage(document.file.folder, form, match[2]!, allowOutside);
    if ('message' in found) document.problem(at, found.message, found.hint);
    else if (name !== undefined) images[name] = found;
  }
  return images;
}

async function findImage(
  folder: string,
  form: ImageSource['form'],
  text: string,
  allowOutside: boolean,
): Promise<ImageSource | Finding> {
  const asked = resolve(folder, text);
  const what = form === 'dir' ? 'folder' : 'file';
  const outside = (how: string): Finding => ({
    message: `the image ${shown(text)} lies outside of the manifest's folder${how}`,
    hint: 'move it there, or say --allow-outside if that is meant',
  });
  // First without a look at the disk: a manifest from elsewhere shall not find out what this machine has.
  if (!allowOutside && !isWithin(resolve(folder), asked)) return outside('');
  try {
    const [path, real] = await Promise.all([realpath(asked), realpath(folder)]);
    if (!allowOutside && !isWithin(real, path)) return outside(' (a symbolic link leads there)');
    const kind = await stat(path);
    if (form === 'dir') {
      if (kind.isDirectory()) return (await rootProblem(path, text)) ?? { form, path };
      return {
        message: `the image ${shown(text)} is no folder`,
        hint: kind.isFile() ? 'is tar: meant?' : undefined,
      };
    }
    if (kind.isFile()) return (await tarProblem(path, text)) ?? { form, path };
    return {
      message: `the image ${shown(text)} is no file`,
      hint: kind.isDirectory() ? 'is dir: meant?' : undefined,
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      return { message: `the image ${shown(text)} cannot be read: ${message}` };
    const siblings = await readdir(dirname(asked)).catch(() => []);
    const near = didYouMean(basename(asked), siblings);
    return {
      message: `there is no ${what} ${shown(text)}`,
      hint: near ?? `looked for ${asked}; is it built?`,
    };
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith('../'));
}

/** Some of these is at the root of every Linux system, and of every image that is more than one program. */
const rootFolders = new Set(['bin', 'sbin', 'usr', 'lib', 'lib64', 'etc', 'dev', 'proc', 'var', 'opt']);

async function rootProblem(path: string, text: string): Promise<Finding | undefined> {
  const names = await readdir(path);
  if (names.some((name) => rootFolders.has(name))) return undefined;
  if (names.length === 0)
    return { message: `the image ${shown(text)} is an empty folder`, hint: 'is it built?' };
  const nested = names.includes('oci-layout')
    ? undefined
    : names.find((name) => /^(rootfs|root|fs)$/.test(name));
  return {
    message: `the image ${shown(text)} does not look like a root file system: it has no bin, usr, lib or etc`,
    hint: names.includes('oci-layout')
      ? 'it is an OCI layout: unpack it first'
      : nested && `is dir:${text.replace(/\/+$/, '')}/${nested} meant?`,
  };
}

const compressions = ['1f8b', '28b52ffd', 'fd377a585a00', '425a68'];

async function tarProblem(path: string, text: string): Promise<Finding | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    if (bytesRead === 0) return { message: `the image ${shown(text)} is an empty file` };
    const begin = buffer.subarray(0, 6).toString('hex');
    if (compressions.some((magic) => begin.startsWith(magic))) return undefined;
    if (buffer.toString('latin1', 257, 262) === 'ustar') return undefined;
    return {
      message: `the image ${shown(text)} is no tar archive`,
      hint: 'an archive made by tar is expected, plain or compressed by gzip, xz, zstd or bzip2',
    };
  } finally {
    await file.close();
  }
}
