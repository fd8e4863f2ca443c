// Images as agents kept them that knew no layers, a whole root file system each, become images of one layer, which has the same
// digest. What runs of them goes on: their mounts hold the folders themselves, whatever these are called.
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonFile, syncFolder, writeFileDurably } from './durable-file.ts';
import type { ImageRecord } from './image-store.ts';
import type { LayerRecord } from './layer-store.ts';
import { type AgentPaths, hexOf } from './paths.ts';

type EarlierRecord = Omit<ImageRecord, 'layers'>;

/** May be interrupted anywhere and done again. */
export async function layerEarlierImages(paths: AgentPaths): Promise<void> {
  const named = async (folder: string): Promise<string[]> =>
    (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `sha256:${name}`);
  for (const digest of await named(paths.imagesDirectory)) {
    if (!(await readdir(paths.image(digest))).includes('rootfs')) continue;
    const { sizeBytes } = (await readJsonFile<EarlierRecord>(paths.imageFile(digest)))!;
    const layer: LayerRecord = { digest, sizeBytes };
    await writeFile(join(paths.image(digest), 'layer.json'), `${JSON.stringify(layer)}\n`);
    await rename(paths.image(digest), paths.layer(digest));
  }
  for (const digest of await named(paths.layersDirectory)) {
    // The record that came along with it.
    const left = join(paths.layersDirectory, hexOf(digest), 'image.json');
    const earlier = await readJsonFile<EarlierRecord>(left);
    if (!earlier) continue;
    const layers = [{ digest, sizeBytes: earlier.sizeBytes }];
    await writeFileDurably(paths.imageFile(digest), `${JSON.stringify({ ...earlier, layers })}\n`);
    await syncFolder(paths.imagesDirectory);
    await rm(left);
  }
}
