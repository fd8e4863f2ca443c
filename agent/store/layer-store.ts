// Layers of images: what a tar stream holds, by the stream's digest, as overlayfs takes it. Written once, never changed,
// shared by all images that are made of them.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { readJsonFile, syncFolder } from './durable-file.ts';
import { ImageHolds } from './image-holds.ts';
import { LayerUpload } from './layer-upload.ts';
import type { AgentPaths } from './paths.ts';
import { turnWhiteouts } from './whiteouts.ts';

export interface LayerRecord {
  /** sha256:… of the tar stream, uncompressed: the DiffID of the OCI image-spec. */
  digest: string;
  /** Of the tar stream. */
  sizeBytes: number;
}

/** Each has a process of its own. */
const uploadsAtOnce = 32;
/** How long an upload may be silent before it is given up: twice as long as its sender waits for the answer to a chunk. */
const abandonedAfterMs = 2 * 60_000;

export class LayerStore {
  readonly #paths: AgentPaths;
  readonly #uploads = new Map<string, LayerUpload>();
  #beginning = 0;
  readonly #ending = new Set<string>();
  readonly #now: () => number;
  readonly holds: ImageHolds;

  constructor(paths: AgentPaths, now: () => number) {
    this.#paths = paths;
    this.#now = now;
    this.holds = new ImageHolds(now);
  }

  /** Makes the folders and removes what uploads of an earlier life left. */
  async open(): Promise<void> {
    await rm(this.#paths.imagesIncoming, { recursive: true, force: true });
    for (const folder of [this.#paths.imagesIncoming, this.#paths.layersDirectory])
      await mkdir(folder, { recursive: true, mode: 0o700 });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#uploads.keys()].map((id) => this.#discard(id)));
  }

  /** A layer that is here, whole. */
  async find(digest: string): Promise<LayerRecord | undefined> {
    await this.holds.settled(digest);
    return readJsonFile<LayerRecord>(this.#paths.layerFile(digest));
  }

  async list(): Promise<LayerRecord[]> {
    const entries = await readdir(this.#paths.layersDirectory).catch(() => []);
    const digests = entries.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `sha256:${name}`);
    const records = await Promise.all(digests.map((digest) => this.find(digest)));
    return records.filter((record) => record !== undefined);
  }

  /** Flushes a whole layer and puts it in its place; if somebody else was faster, that one stays. */
  async keep(folder: string, digest: string): Promise<void> {
    await runProcess('sync', ['-f', folder]);
    try {
      await rename(folder, this.#paths.layer(digest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    await syncFolder(this.#paths.layersDirectory);
  }

  /** Removes layers of which no image is made, and of which none is about to be. @returns what went */
  async prune(isUsed: (digest: string) => Promise<boolean>, dryRun: boolean): Promise<LayerRecord[]> {
    const removed: LayerRecord[] = [];
    for (const record of await this.list()) {
      const gone = await this.holds.removeUnused(record.digest, isUsed, async (digest) => {
        if (!dryRun) await this.#remove(digest);
      });
      if (gone) removed.push(record);
    }
    return removed;
  }

  /** @returns the id of the upload. @throws CmigError `conflict` where too many are under way */
  async beginUpload(digest: string): Promise<string> {
    if (this.#uploads.size + this.#beginning >= uploadsAtOnce)
      throw new CmigError('conflict', `${uploadsAtOnce} layers are being uploaded to this host already`, {
        hint: 'wait until one has ended; one whose sender has gone is given up after 2 minutes of silence',
      });
    const id = randomUUID();
    const folder = join(this.#paths.imagesIncoming, id);
    this.#beginning += 1;
    try {
      await mkdir(join(folder, 'rootfs'), { recursive: true, mode: 0o755 });
      this.#uploads.set(id, new LayerUpload({ digest, folder }, createHash('sha256'), this.#now));
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

  /** Verifies and keeps the layer. @throws CmigError `invalid` where its digest is another, or it is no tar archive. */
  async endUpload(id: string): Promise<LayerRecord> {
    const upload = this.#upload(id);
    this.#ending.add(id);
    try {
      const sizeBytes = await upload.end();
      const record: LayerRecord = { digest: upload.digest, sizeBytes };
      await turnWhiteouts(upload.folder);
      await writeFile(join(upload.folder, 'layer.json'), `${JSON.stringify(record)}\n`);
      // Until an image is made of it.
      this.holds.hold(upload.digest);
      await this.keep(upload.folder, upload.digest);
      return record;
    } finally {
      await this.#discard(id);
      this.#ending.delete(id);
    }
  }

  /** Its sender gives it up. One that is being ended has all that it needs. */
  async abortUpload(id: string): Promise<void> {
    if (!this.#ending.has(id)) await this.#discard(id);
  }

  /** Gives up uploads whose sender has been silent for two minutes. One that is being ended has all that it needs. */
  async reap(): Promise<void> {
    for (const [id, upload] of this.#uploads)
      if (!this.#ending.has(id) && this.#now() - upload.touchedAt > abandonedAfterMs) await this.#discard(id);
  }

  #upload(id: string): LayerUpload {
    const upload = this.#uploads.get(id);
    if (!upload)
      throw new CmigError('not-found', `there is no upload ${id}`, {
        hint: 'it failed, was given up after 2 minutes of silence, or the agent restarted: begin again',
      });
    return upload;
  }

  async #remove(digest: string): Promise<void> {
    const trash = join(this.#paths.imagesIncoming, `removed-${randomUUID()}`);
    await rename(this.#paths.layer(digest), trash);
    await syncFolder(this.#paths.layersDirectory);
    await rm(trash, { recursive: true, force: true });
  }

  async #discard(id: string): Promise<void> {
    const upload = this.#uploads.get(id);
    if (!upload) return;
    this.#uploads.delete(id);
    await upload.abort();
    await rm(upload.folder, { recursive: true, force: true });
  }
}
