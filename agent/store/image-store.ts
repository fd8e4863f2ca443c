// Images: root file systems by the digest of their tar stream. Written once, never changed, shared by containers.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { readJsonFile, syncFolder } from './durable-file.ts';
import { ImageHolds } from './image-holds.ts';
import { ImageUpload } from './image-upload.ts';
import type { AgentPaths } from './paths.ts';
import { hexOf } from './paths.ts';

export interface ImageRecord {
  /** sha256:… of the tar stream. */
  digest: string;
  /** Of the tar stream. */
  sizeBytes: number;
  /** What its sender called it: as a manifest writes it. */
  source?: string;
  /** RFC 3339 */
  createdAt: string;
}

export interface PrunedImages {
  removed: ImageRecord[];
  /** Of no use yet, but about to be, or being sent. */
  kept: ImageRecord[];
}

/** Each has a process of its own. */
const uploadsAtOnce = 32;
/** How long an upload may be silent before it is given up. */
const abandonedAfterMs = 10 * 60_000;

export class ImageStore {
  readonly #paths: AgentPaths;
  readonly #uploads = new Map<string, ImageUpload>();
  #beginning = 0;
  /** Deliveries that are being taken in, so that two who ask for one image do not do it twice. */
  readonly #taking = new Map<string, Promise<ImageRecord | undefined>>();
  readonly #reaper: NodeJS.Timeout;
  readonly #now: () => number;
  readonly holds: ImageHolds;

  constructor(paths: AgentPaths, now: () => number = () => performance.now()) {
    this.#paths = paths;
    this.#now = now;
    this.holds = new ImageHolds(now);
    this.#reaper = setInterval(() => void this.reap(), 60_000);
    this.#reaper.unref();
  }

  /** Makes the folders and removes what uploads of an earlier life left. */
  async open(): Promise<void> {
    await rm(this.#paths.imagesIncoming, { recursive: true, force: true });
    await mkdir(this.#paths.imagesIncoming, { recursive: true, mode: 0o700 });
  }

  async close(): Promise<void> {
    clearInterval(this.#reaper);
    await Promise.all([...this.#uploads.keys()].map((id) => this.#discard(id)));
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

  /** The root file system of an image. @throws CmigError `not-found` */
  async rootfs(digest: string): Promise<string> {
    if (!(await this.find(digest)))
      throw new CmigError('not-found', `the image ${digest} is not on this host`, {
        hint: 'apply the manifest again, which sends it',
      });
    return this.#paths.imageRootfs(digest);
  }

  /** Where a peer delivers an image, below its `incoming` folder; taken in by the next `find`. */
  static deliveryFolder(digest: string): string {
    return join('images', hexOf(digest));
  }

  /** The folder to send to a peer: it holds `rootfs` and `image.json`. */
  folder(digest: string): string {
    return this.#paths.image(digest);
  }

  /**
   * Removes images that nobody uses, each as a whole in one moment.
   * @param isUsed asked again for each one, just before it goes
   */
  async prune(isUsed: (digest: string) => Promise<boolean>, dryRun = false): Promise<PrunedImages> {
    const pruned: PrunedImages = { removed: [], kept: [] };
    for (const record of await this.list()) {
      if (await isUsed(record.digest)) continue;
      const gone = await this.holds.unlessHeld(record.digest, async () => {
        // In between it may have come into use: from here on nobody is told any more that it is here.
        if (await isUsed(record.digest)) return false;
        if (!dryRun) await this.#remove(record.digest);
        return true;
      });
      if (gone) pruned.removed.push(record);
      else if (gone === undefined) pruned.kept.push(record);
    }
    return pruned;
  }

  /** @returns the id of the upload. @throws CmigError `conflict` where too many are under way */
  async beginUpload(digest: string, source?: string): Promise<string> {
    if (this.#uploads.size + this.#beginning >= uploadsAtOnce)
      throw new CmigError('conflict', `${uploadsAtOnce} images are being uploaded to this host already`, {
        hint: 'wait until one has ended; one whose sender has gone is given up after 10 minutes of silence',
      });
    const id = randomUUID();
    const folder = join(this.#paths.imagesIncoming, id);
    this.#beginning += 1;
    try {
      await mkdir(join(folder, 'rootfs'), { recursive: true, mode: 0o755 });
      this.#uploads.set(id, new ImageUpload({ digest, folder, source }, createHash('sha256'), this.#now));
    } finally {
      this.#beginning -= 1;
    }
    return id;
  }

  /** Chunks come in order, `sequence` counting from 0; one that came already is passed over. */
  async writeUpload(id: string, sequence: number, data: Uint8Array): Promise<void> {
    // Outside of the try: what is not an upload's id must never become a path that is removed.
    const upload = this.#upload(id);
    try {
      await upload.write(sequence, data);
    } catch (error) {
      await this.#discard(id);
      throw error;
    }
  }

  /** Verifies and keeps the image. @throws CmigError `invalid` where its digest is another, or it is no tar archive. */
  async endUpload(id: string): Promise<ImageRecord> {
    const upload = this.#upload(id);
    try {
      const sizeBytes = await upload.end();
      const { digest, source } = upload;
      const createdAt = new Date().toISOString();
      const record: ImageRecord = { digest, sizeBytes, ...(source ? { source } : {}), createdAt };
      await writeFile(join(upload.folder, 'image.json'), `${JSON.stringify(record)}\n`);
      await this.#keep(upload.folder, upload.digest);
      return record;
    } finally {
      await this.#discard(id);
    }
  }

  /** Gives up uploads whose sender has been silent for ten minutes. */
  async reap(): Promise<void> {
    for (const [id, upload] of this.#uploads)
      if (this.#now() - upload.touchedAt > abandonedAfterMs) await this.#discard(id);
  }

  #upload(id: string): ImageUpload {
    const upload = this.#uploads.get(id);
    if (!upload)
      throw new CmigError('not-found', `there is no upload ${id}`, {
        hint: 'it failed, was given up after 10 minutes of silence, or the agent restarted: begin again',
      });
    return upload;
  }

  /** Flushes a whole image and puts it in its place; if another upload was faster, that one stays. */
  async #keep(folder: string, digest: string): Promise<void> {
    await runProcess('sync', ['-f', folder]);
    try {
      await rename(folder, this.#paths.image(digest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    await syncFolder(this.#paths.imagesDirectory);
  }

  async #remove(digest: string): Promise<void> {
    const trash = join(this.#paths.imagesIncoming, `removed-${randomUUID()}`);
    await rename(this.#paths.image(digest), trash);
    await syncFolder(this.#paths.imagesDirectory);
    // Of two hosts that sent it at once the slower one may have left half of it; it must not count as whole later.
    await rm(this.#delivery(digest), { recursive: true, force: true });
    await rm(trash, { recursive: true, force: true });
  }

  #delivery(digest: string): string {
    return join(this.#paths.incomingDirectory, ImageStore.deliveryFolder(digest));
  }

  async #takeDelivered(digest: string): Promise<ImageRecord | undefined> {
    const folder = this.#delivery(digest);
    // image.json is sent last, so where it is, the root file system is whole.
    const text = await readFile(join(folder, 'image.json'), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const record = JSON.parse(text) as ImageRecord;
    if (record.digest !== digest) return undefined;
    await this.#keep(folder, digest);
    return record;
  }

  async #discard(id: string): Promise<void> {
    const upload = this.#uploads.get(id);
    if (!upload) return;
    this.#uploads.delete(id);
    await upload.abort();
    await rm(upload.folder, { recursive: true, force: true });
  }
}
