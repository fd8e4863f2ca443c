// Where the images of a manifest stand: each must be there, be what it says it is, and lie in the manifest's folder.
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, relative, resolve } from 'node:path';
import { didYouMean } from '../core/near-names.ts';
import type { ManifestDocument } from './document.ts';
import { type ImageReference, isRoot, parseImageReference } from './image-reference.ts';
import { containersOf, textOf } from './loose.ts';
import { layoutProblem } from './oci-layout.ts';
import { pathText, shown } from './problems.ts';
import { manifestSchema, schemaAt } from './schema-node.ts';
import { meantKey } from './unknown-key.ts';

interface Finding {
  message: string;
  hint?: string | undefined;
}

/**
 * The images by the names of their containers, their paths absolute and with all symbolic links followed; what is wrong
 * is added to the document's problems.
 * @param allowOutside images may lie outside of the folder of the manifest
 */
export async function checkImages(
  document: ManifestDocument,
  allowOutside: boolean,
): Promise<Record<string, ImageReference>> {
  const images: Record<string, ImageReference> = {};
  for (const { fields, path, name } of containersOf(document.value)) {
    const at = [...path, 'image'];
    const text = textOf(fields.image);
    if (text === undefined || document.failed(at)) continue;
    const reference = parseImageReference(text);
    if ('message' in reference) {
      document.problem(at, `${pathText(at)} is ${shown(text)}: ${reference.message}`, reference.hint);
      continue;
    }
    if (isRoot(reference)) {
      // It has no configuration that could tell what to run.
      const keys = Object.keys(fields);
      if (!keys.some((key) => key === 'command' || meantKey(key, keysOfContainer) === 'command'))
        document.problem(path, `missing key "command" in ${pathText(path)}`, missingCommand, { key: true });
    }
    if (reference.form === 'docker') {
      if (name !== undefined) images[name] = reference;
      continue;
    }
    const found = await findImage(document.file.folder, reference, allowOutside);
    if ('message' in found) document.problem(at, found.message, found.hint);
    else if (name !== undefined) images[name] = found;
  }
  return images;
}

const keysOfContainer = schemaAt(manifestSchema, ['spec', 'containers', 0])?.properties;

const missingCommand =
  'command: the program and its arguments; only oci:, docker-archive: and docker:// images bring one along';

type FileReference = Exclude<ImageReference, { form: 'docker' }>;

async function findImage(
  folder: string,
  reference: FileReference,
  allowOutside: boolean,
): Promise<FileReference | Finding> {
  const { form, path: text } = reference;
  const asked = resolve(folder, text);
  const isFolder = form === 'dir' || form === 'oci';
  const what = isFolder ? 'folder' : 'file';
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
    if (form !== 'dir' && form !== 'tar' && path.includes(':'))
      return { message: `the path of the image has a colon, which skopeo cannot read: ${shown(path)}` };
    if (isFolder) {
      const verdict = form === 'dir' ? rootProblem : layoutProblem;
      if (kind.isDirectory()) return (await verdict(path, reference)) ?? { ...reference, path };
      return {
        message: `the image ${shown(text)} is no folder`,
        hint: kind.isFile() ? `is ${form === 'dir' ? 'tar' : 'docker-archive'}: meant?` : undefined,
      };
    }
    if (kind.isFile()) return (await tarProblem(path, text)) ?? { ...reference, path };
    return {
      message: `the image ${shown(text)} is no file`,
      hint: kind.isDirectory() ? `is ${form === 'tar' ? 'dir' : 'oci'}: meant?` : undefined,
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

async function rootProblem(path: string, { path: text }: FileReference): Promise<Finding | undefined> {
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
      ? `it is an OCI layout: write oci:${text}`
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
