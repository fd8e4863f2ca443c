// Images unpacked on this machine, each once: its root file system as an archive, by the digest of its configuration,
// which covers the content of every layer.
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CmigError } from '../../core/errors.ts';
import { runProcess } from '../../core/run-process.ts';
import { type ConfiguredReference, referenceText } from '../../manifest/image-reference.ts';
import { type ImageSource, readImage } from '../image-source.ts';
import type { AccountFiles } from './accounts.ts';
import { copyToLayout } from './skopeo.ts';

/** What is known of an unpacked image without reading it. */
export interface UnpackedImage {
  /** sha256:… of the tar stream. */
  digest: string;
  /** Of the tar stream. */
  sizeBytes: number;
  accounts: AccountFiles;
  source: ImageSource;
}

const unpackMs = 3_600_000;
const largestAccountFile = 1024 * 1024;
const layoutTag = 'image';

/** `$XDG_CACHE_HOME/cmig/images`; each image is a folder of its own. */
export const imageCacheFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cmig/images');

/** Takes the image from the cache, or fetches and unpacks it. @throws CmigError as `inspectImage`; `unsupported` */
export async function unpackedImage(
  reference: ConfiguredReference,
  options: { config: string; architecture: string; onBytes?: (bytes: number) => void },
): Promise<UnpackedImage> {
  const id = createHash('sha256').update(options.config).digest('hex');
  const folder = join(imageCacheFolder(), id);
  const known = await readKnown(folder);
  if (known) return known;
  if (process.getuid?.() !== 0)
    throw new CmigError('unsupported', `the image ${referenceText(reference)} can only be unpacked by root`, {
      hint: 'its files belong to several users: run cmig as root, or name a root file system by dir: or tar:',
    });
  await mkdir(imageCacheFolder(), { recursive: true, mode: 0o700 });
  await removeAbandoned();
  const building = join(imageCacheFolder(), `.building-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(building, { mode: 0o700 });
    await build(reference, building, options);
    // Another one that was faster has the same.
    await rename(building, folder).catch((error) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  const made = await readKnown(folder);
  if (made) return made;
  throw new CmigError('failed', `the image ${referenceText(reference)} has gone from ${folder}`, {
    hint: 'does somebody else clear this folder? Then try again',
  });
}

/** Removes what no digest of `used` asks for. @returns the bytes that went, and how many images they were */
export async function pruneImageCache(
  used: ReadonlySet<string>,
  dryRun: boolean,
): Promise<{ images: number; bytes: number }> {
  let [images, bytes] = [0, 0];
  for (const name of await readdir(imageCacheFolder()).catch(() => [])) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const folder = join(imageCacheFolder(), name);
    const known = await readKnown(folder);
    if (known && used.has(known.digest)) continue;
    images += 1;
    bytes += known?.sizeBytes ?? 0;
    if (!dryRun) await rm(folder, { recursive: true, force: true });
  }
  return { images, bytes };
}

async function readKnown(folder: string): Promise<UnpackedImage | undefined> {
  const text = await readFile(join(folder, 'image.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return { ...JSON.parse(text), source: { form: 'tar', path: join(folder, 'rootfs.tar') } } as UnpackedImage;
}

async function build(
  reference: ConfiguredReference,
  folder: string,
  { architecture, onBytes }: { architecture: string; onBytes?: (bytes: number) => void },
): Promise<void> {
  const [layout, rootfs] = [join(folder, 'layout'), join(folder, 'rootfs')];
  await copyToLayout(reference, architecture, layout, layoutTag);
  const begun = new Date(Math.floor(Date.now() / 1000) * 1000);
  await unpack(reference, `${layout}:${layoutTag}`, rootfs);
  await rm(layout, { recursive: true });
  await settleTimes(rootfs, begun);
  const accounts = {
    passwd: await readAccountFile(rootfs, 'passwd'),
    group: await readAccountFile(rootfs, 'group'),
  };
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await pipeline(
    async function* () {
      for await (const chunk of readImage({ form: 'dir', path: rootfs })) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        onBytes?.(sizeBytes);
        yield chunk;
      }
    },
    createWriteStream(join(folder, 'rootfs.tar'), { mode: 0o600 }),
  );
  await rm(rootfs, { recursive: true });
  const record = { digest: `sha256:${hash.digest('hex')}`, sizeBytes, accounts };
  await writeFile(join(folder, 'image.json'), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Layer by layer, with whiteouts, owners and extended attributes. */
async function unpack(reference: ConfiguredReference, image: string, rootfs: string): Promise<void> {
  try {
    await runProcess('umoci', ['raw', 'unpack', '--image', image, rootfs], { timeoutMs: unpackMs });
  } catch (error) {
    if (!(error instanceof CmigError) || error.code !== 'tool-failed') throw error;
    const said =
      error.tool?.output.findLast((line) => /\w/.test(line))?.replace(/^[^\w]+/, '') ?? error.message;
    throw new CmigError('invalid', `the image ${referenceText(reference)} cannot be unpacked: ${said}`, {
      hint: /no space left/i.test(said) ? `make room in ${imageCacheFolder()}` : 'build or copy it again',
      cause: error,
    });
  }
}

/** Folders that no layer names are as old as the unpacking: without that, equal images would have unequal digests. */
async function settleTimes(rootfs: string, begun: Date): Promise<void> {
  const newer = await runProcess('find', [
    ...[rootfs, '-depth', '-type', 'd', '-newermt', begun.toISOString(), '-print0'],
  ]);
  for (const path of newer.stdout.split('\0').filter(Boolean)) await utimes(path, 0, 0);
}

/** A link could lead out of the image: then there are no names to be looked up. */
async function readAccountFile(rootfs: string, name: string): Promise<string> {
  const etc = join(rootfs, 'etc');
  const entries = await readdir(rootfs, { withFileTypes: true });
  if (!entries.some((entry) => entry.name === 'etc' && entry.isDirectory())) return '';
  const files = await readdir(etc, { withFileTypes: true });
  if (!files.some((entry) => entry.name === name && entry.isFile())) return '';
  const file = await open(join(etc, name));
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(largestAccountFile), 0, largestAccountFile, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What a command left that was killed on the way. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(imageCacheFolder())) {
    const pid = Number(/^\.building-([0-9]+)-/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(imageCacheFolder(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
