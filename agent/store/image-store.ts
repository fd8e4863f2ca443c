// Images: lists of layers, the base first, by the digest that follows from those of the layers.
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { chainDigest } from '../../src/core/chain-digest.ts';
import { CmigError } from '../../src/core/errors.ts';
import { readJsonFile, syncFolder, writeFileDurably } from './durable-file.ts';
import { layerEarlierImages } from './earlier-images.ts';
import { ImageHolds } from './image-holds.ts';
import { type LayerRecord, LayerStore } from './layer-store.ts';
import type { AgentPaths } from './paths.ts';
import { hexOf } from './paths.ts';

export interface ImageRecord {
  /** sha256:… as `chainDigest` makes it. */
  digest: string;
  /** Of its layers together. */
  sizeBytes: number;
  /** The base first. */
  layers: LayerRecord[];
  /** What its sender called it: as a manifest writes it. */
  source?: string;
  /** RFC 3339 */
  createdAt: string;
}

export interface PrunedImages {
  removed: ImageRecord[];
  /** Of no use yet, but about to be, or being sent. */
  kept: ImageRecord[];
  /** Layers that no image needs any more. */
  layers: LayerRecord[];
}

/** The longest that the copy of an image from another host may take. */
const deliveryMs = 24 * 3_600_000;

export class ImageStore {
  readonly #paths: AgentPaths;
  /** Deliveries that are being taken in, so that two who ask for one image do not do it twice. */
  readonly #taking = new Map<string, Promise<ImageRecord | undefined>>();
  readonly #reaper: NodeJS.Timeout;
  readonly layers: LayerStore;
  readonly holds: ImageHolds;

  constructor(paths: AgentPaths, now: () => number = () => performance.now()) {
    this.#paths = paths;
    this.layers = new LayerStore(paths, now);
    this.holds = new ImageHolds(now);
    this.#reaper = setInterval(() => void this.layers.reap(), 60_000);
    this.#reaper.unref();
  }

  /** Makes the folders, removes what was not whole when the agent ended, and brings what an earlier one kept to order. */
  async open(): Promise<void> {
    await this.layers.open();
    await layerEarlierImages(this.#paths);
    await this.#sweepDeliveries();
  }

  async close(): Promise<void> {
    clearInterval(this.#reaper);
    await this.layers.close();
  }

  /** The record of an image that is here, whole; what a peer has delivered in the meantime is taken in first. */
  async find(digest: string): Promise<ImageRecord | undefined> {
    await this.holds.settled(digest);
    const read = () => readJsonFile<ImageRecord>(this.#paths.imageFile(digest));
    const record = await read();
    if (record) return record;
    const under = this.#taking.get(digest);
    const taking = under ?? this.#takeDelivered(digest).finally(() => this.#taking.delete(digest));
    if (!under) this.#taking.set(digest, taking);
    // Somebody else may have taken it in between the first look and this one.
    return (await taking) ?? read();
  }

  async list(): Promise<ImageRecord[]> {
    const entries = await readdir(this.#paths.imagesDirectory).catch(() => []);
    const digests = entries.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `sha256:${name}`);
    const records = await Promise.all(digests.map((digest) => this.find(digest)));
    return records.filter((record) => record !== undefined);
  }

  /** @throws CmigError `not-found` */
  async get(digest: string): Promise<ImageRecord> {
    const record = await this.find(digest);
    if (record) return record;
    throw new CmigError('not-found', `the image ${digest} is not on this host`, {
      hint: 'apply the manifest again, which sends it',
    });
  }

  /** The folders that lie over one another in its root file system, the base first. @throws CmigError `not-found` */
  async folders(digest: string): Promise<string[]> {
    const digests = (await this.get(digest)).layers.map((layer) => layer.digest);
    // overlayfs takes no folder twice. Of a layer that comes again, all is covered by its last place.
    const last = digests.filter((layer, index) => digests.lastIndexOf(layer) === index);
    return last.map((layer) => this.#paths.layerRootfs(layer));
  }

  /**
   * Makes an image of layers that are here. Whoever asks is about to send those that are missing.
   * @returns the layers that are missing, in which case there is no image yet
   * @throws CmigError `invalid` where the digest is not that of these layers
   */
  async put(digest: string, layers: readonly string[], source?: string): Promise<string[]> {
    if (chainDigest(layers) !== digest)
      throw new CmigError('invalid', `an image of these layers has the digest ${chainDigest(layers)}`);
    // From here on none of them goes.
    for (const layer of layers) this.layers.holds.hold(layer);
    const found = await Promise.all(layers.map((layer) => this.layers.find(layer)));
    const missing = layers.filter((_, index) => found[index] === undefined);
    if (missing.length === 0 && !(await this.find(digest)))
      await this.#write({
        digest,
        sizeBytes: found.reduce((sum, layer) => sum + layer!.sizeBytes, 0),
        layers: found.map((layer) => layer!),
        ...(source ? { source } : {}),
        createdAt: new Date().toISOString(),
      });
    return [...new Set(missing)];
  }

  /** Where a peer delivers an image and the layers that it lacks, below its `incoming`; taken in by the next `find`. */
  static deliveryFolder(digest: string): string {
    return join('images', hexOf(digest));
  }

  /**
   * Removes images that nobody uses, each as a whole in one moment, and then the layers of which no image is made.
   * @param isUsed asked again for each one, just before it goes
   */
  async prune(isUsed: (digest: string) => Promise<boolean>, dryRun = false): Promise<PrunedImages> {
    const pruned: PrunedImages = { removed: [], kept: [], layers: [] };
    for (const record of await this.list()) {
      const gone = await this.holds.removeUnused(record.digest, isUsed, async (digest) => {
        if (!dryRun) await this.#remove(digest);
      });
      if (gone) pruned.removed.push(record);
      else if (gone === undefined) pruned.kept.push(record);
    }
    const gone = new Set(pruned.removed.map(({ digest }) => digest));
    const isNeeded = async (layer: string): Promise<boolean> =>
      (await this.list()).some(
        ({ digest, layers }) => !(dryRun && gone.has(digest)) && layers.some((each) => each.digest === layer),
      );
    pruned.layers = await this.layers.prune(isNeeded, dryRun);
    return pruned;
  }

  /** The record is what makes an image of layers; from now on they are held by it. */
  async #write(record: ImageRecord): Promise<void> {
    await mkdir(this.#paths.image(record.digest), { recursive: true, mode: 0o700 });
    await writeFileDurably(this.#paths.imageFile(record.digest), `${JSON.stringify(record)}\n`);
    await syncFolder(this.#paths.imagesDirectory);
    this.layers.holds.release(record.layers.map(({ digest }) => digest));
  }

  async #remove(digest: string): Promise<void> {
    await rm(this.#paths.image(digest), { recursive: true });
    await syncFolder(this.#paths.imagesDirectory);
    // Of two hosts that sent it at once the slower one may have left half of it; it must not count as whole later.
    await rm(this.#delivery(digest), { recursive: true, force: true });
  }

  #delivery(digest: string): string {
    return join(this.#paths.incomingDirectory, ImageStore.deliveryFolder(digest));
  }

  /** Those that nobody has ended: their sender may have gone for good. One that is under way goes on while agents restart. */
  async #sweepDeliveries(): Promise<void> {
    const folder = join(this.#paths.incomingDirectory, 'images');
    for (const name of await readdir(folder).catch(() => [])) {
      const begun = await stat(join(folder, name));
      if (Date.now() - begun.mtimeMs > deliveryMs)
        await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  async #takeDelivered(digest: string): Promise<ImageRecord | undefined> {
    const folder = this.#delivery(digest);
    // image.json is sent last, so where it is, the layers that were missing are whole.
    const record = await readJsonFile<ImageRecord>(join(folder, 'image.json'));
    const digests = record?.layers?.map((layer) => layer.digest);
    if (!record || !digests?.length || chainDigest(digests) !== digest) return undefined;
    for (const layer of digests) this.layers.holds.hold(layer);
    for (const layer of digests) {
      if (await this.layers.find(layer)) continue;
      const delivered = join(folder, 'layers', hexOf(layer));
      if (!(await readJsonFile(join(delivered, 'layer.json')))) return undefined;
      await this.layers.keep(delivered, layer);
    }
    await this.#write(record);
    await rm(folder, { recursive: true, force: true });
    return record;
  }
}
