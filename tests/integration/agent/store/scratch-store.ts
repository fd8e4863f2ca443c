// An image store of a test's own, in a folder that goes with the test, by a clock that moves only when it is told to.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { ImageStore } from '../../../../agent/store/image-store.ts';
import { AgentPaths } from '../../../../agent/store/paths.ts';

export interface ScratchStore {
  folder: string;
  paths: AgentPaths;
  store: ImageStore;
  nowMs: number;
  /** Uploads a layer in chunks. @returns its digest */
  uploadLayer(data: Uint8Array, digest?: string, chunkBytes?: number): Promise<string>;
}

export const digestOf = (data: Uint8Array): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

/** Made anew before each test. @param clear ends what the test has begun in the folder */
export function useScratchStore(clear: (folder: string) => Promise<void> = async () => {}): ScratchStore {
  const scratch = { uploadLayer } as ScratchStore;
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cmig-store-'));
    const paths = new AgentPaths({ dataDirectory: join(folder, 'data'), runDirectory: join(folder, 'run') });
    const store = new ImageStore(paths, () => scratch.nowMs);
    Object.assign(scratch, { folder, paths, store, nowMs: 0 });
    await store.open();
  });
  afterEach(async () => {
    await scratch.store.close();
    await clear(scratch.folder);
    await rm(scratch.folder, { recursive: true, force: true });
  });

  async function uploadLayer(data: Uint8Array, digest = digestOf(data), chunkBytes = 1 << 20) {
    const { layers } = scratch.store;
    const id = await layers.beginUpload(digest);
    for (let at = 0, sequence = 0; at < data.length; at += chunkBytes)
      await layers.writeUpload(id, sequence++, data.subarray(at, at + chunkBytes));
    await layers.endUpload(id);
    return digest;
  }
  return scratch;
}
