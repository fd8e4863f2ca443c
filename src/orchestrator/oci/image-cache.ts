// Images fetched to this machine, each once, by the digest of its configuration, which covers the content of every layer;
// their layers as they came, each once, too, however many images share it.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cache-folder.ts';
import { chainDigest } from '../../core/chain-digest.ts';
import { CmigError } from '../../core/errors.ts';
import { type ConfiguredReference, referenceText } from '../../manifest/image-reference.ts';
import type { ImageDigest, ImageLayer } from '../image-digests.ts';
import type { ImageSource } from '../image-source.ts';
import type { AccountFiles } from './accounts.ts';
import { LayersReader } from './image-layers.ts';
import { copyToLayout } from './skopeo.ts';

/** What is known of a fetched image without reading it. */
export interface FetchedImage extends ImageDigest {
  accounts: AccountFiles;
}

/** `blob` is the digest, in hex, of the layer as it was fetched, compressed as a rule. */
interface KnownImage {
  digest: string;
  sizeBytes: number;
  accounts: AccountFiles;
  layers: { digest: string; sizeBytes: number; blob: string }[];
}

interface FetchOptions {
  config: string;
  architecture: string;
  onBytes?: (bytes: number) => void;
}

const layoutTag = 'image';

/** `$XDG_CACHE_HOME/cmig/images`; each image is a folder of its own. */
export const imageCacheFolder = (): string => join(cacheFolder(), 'images');
/** skopeo's shared folder of blobs: `sha256/HEX`. */
const blobsFolder = (): string => join(cacheFolder(), 'blobs');
const blobFile = (blob: string): string => join(blobsFolder(), 'sha256', blob);

/** Takes the image from the cache, or fetches it: of its layers those that no other image had. @throws CmigError as `inspectImage` */
export async function fetchedImage(
  reference: ConfiguredReference,
  options: FetchOptions,
): Promise<FetchedImage> {
  const id = createHash('sha256').update(options.config).digest('hex');
  const folder = join(imageCacheFolder(), id);
  const known = await readKnown(folder);
  if (known) return fetched(known);
  for (const made of [imageCacheFolder(), join(blobsFolder(), 'sha256')])
    await mkdir(made, { recursive: true, mode: 0o700 });
  await removeAbandoned();
  const building = join(imageCacheFolder(), `.building-${process.pid}-${randomUUID()}`);
  try {
    await mkdir(building, { mode: 0o700 });
    const record = await build(reference, building, options);
    await rm(join(building, 'layout'), { recursive: true });
    await writeFile(join(building, 'image.json'), `${JSON.stringify(record)}\n`, { mode: 0o600 });
    // Another one that was faster has the same.
    await rename(building, folder).catch((error) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return fetched(record);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** Removes what no digest of `used` asks for. @returns the bytes that went, and how many images they were */
export async function pruneImageCache(
  used: ReadonlySet<string>,
  dryRun: boolean,
): Promise<{ images: number; bytes: number }> {
  await removeAbandoned();
  const needed = new Set<string>();
  let images = 0;
  // One that is just being fetched has not yet said which layers it needs.
  let fetching = false;
  for (const name of await readdir(imageCacheFolder()).catch(() => [])) {
    fetching ||= name.startsWith('.building-');
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const folder = join(imageCacheFolder(), name);
    const known = await readKnown(folder);
    if (known && used.has(known.digest)) for (const { blob } of known.layers) needed.add(blob);
    else {
      images += 1;
      if (!dryRun) await rm(folder, { recursive: true, force: true });
    }
  }
  return { images, bytes: fetching ? 0 : await pruneBlobs(needed, dryRun) };
}

async function pruneBlobs(needed: ReadonlySet<string>, dryRun: boolean): Promise<number> {
  let bytes = 0;
  for (const blob of await readdir(join(blobsFolder(), 'sha256')).catch(() => [])) {
    if (needed.has(blob)) continue;
    bytes += (await stat(blobFile(blob))).size;
    if (!dryRun) await rm(blobFile(blob), { force: true });
  }
  return bytes;
}

/** Nothing where a layer of it has gone, or where it was kept by a cmig that knew no layers. */
async function readKnown(folder: string): Promise<KnownImage | undefined> {
  const text = await readFile(join(folder, 'image.json'), 'utf8').catch(() => undefined);
  const known = text === undefined ? undefined : (JSON.parse(text) as Partial<KnownImage>);
  if (!known?.layers) return undefined;
  const there = await Promise.all(
    known.layers.map(({ blob }) => stat(blobFile(blob)).catch(() => undefined)),
  );
  return there.every((blob) => blob !== undefined) ? (known as KnownImage) : undefined;
}

const fetched = ({ layers, ...image }: KnownImage): FetchedImage => ({
  ...image,
  layers: layers.map(
    ({ blob, ...layer }): ImageLayer => ({
      ...layer,
      source: { form: 'tar', path: blobFile(blob) },
      dropDamaged: () => dropDamaged(layer.digest, blob),
    }),
  ),
});

/** Removes a layer that is not what it is called; what needs it fetches it again. */
async function dropDamaged(digest: string, blob: string): Promise<boolean> {
  const found = await new LayersReader().read({ form: 'tar', path: blobFile(blob) }).catch(() => undefined);
  if (found?.digest === digest) return false;
  await rm(blobFile(blob), { force: true });
  return true;
}

async function build(
  reference: ConfiguredReference,
  folder: string,
  { config, architecture, onBytes }: FetchOptions,
): Promise<KnownImage> {
  const layout = join(folder, 'layout');
  await copyToLayout(reference, architecture, { layout, blobs: blobsFolder(), tag: layoutTag });
  const blobs = await blobsOf(layout);
  const wanted = (JSON.parse(config) as { rootfs?: { diff_ids?: string[] } }).rootfs?.diff_ids ?? [];
  const text = referenceText(reference);
  if (wanted.length === 0 || wanted.length !== blobs.length)
    throw new CmigError(
      'invalid',
      `the image ${text} is damaged: it has ${blobs.length} layers and names ${wanted.length}`,
    );
  const reader = new LayersReader();
  const layers: KnownImage['layers'] = [];
  let sizeBytes = 0;
  for (const [index, blob] of blobs.entries()) {
    const before = sizeBytes;
    const source: ImageSource = { form: 'tar', path: blobFile(blob) };
    const layer = await reader.read(source, (bytes) => onBytes?.(before + bytes)).catch((cause) => cause);
    if (layer instanceof Error || layer.digest !== wanted[index]) {
      // What is not what it is called shall not be found again.
      await rm(source.path, { force: true });
      const why = layer instanceof Error ? layer.message : `it has the digest ${layer.digest}`;
      throw new CmigError('invalid', `the image ${text} is damaged: its layer ${wanted[index]}: ${why}`, {
        hint: 'try again, or build it again',
        ...(layer instanceof Error ? { cause: layer } : {}),
      });
    }
    layers.push({ ...layer, blob });
    sizeBytes += layer.sizeBytes;
  }
  const folders = reader.folders.layer();
  if (folders) {
    const blob = createHash('sha256').update(folders).digest('hex');
    await writeFile(join(folder, 'folders'), folders, { mode: 0o600 });
    await rename(join(folder, 'folders'), blobFile(blob));
    layers.push({ digest: `sha256:${blob}`, sizeBytes: folders.length, blob });
  }
  const digest = chainDigest(layers.map((layer) => layer.digest));
  const total = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  return { digest, sizeBytes: total, accounts: reader.accounts, layers };
}

interface Manifest {
  layers: { digest: string }[];
}

/** The layers of the one image of a layout, the base first, by the digests of their blobs in hex. */
async function blobsOf(layout: string): Promise<string[]> {
  const hex = ({ digest }: { digest: string }): string => digest.replace(/^sha256:/, '');
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));
  const index = (await read(join(layout, 'index.json'))) as { manifests: { digest: string }[] };
  const { layers } = (await read(blobFile(hex(index.manifests[0]!)))) as Manifest;
  return layers.map(hex);
}

/** What a command left that was killed on the way. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(imageCacheFolder()).catch(() => [])) {
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
