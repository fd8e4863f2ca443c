// The digests of images on this machine, each read once in one run however many containers use it.
import { createHash } from 'node:crypto';
import { type ImageSource, readImage } from './image-source.ts';

export interface ImageDigest {
  /** sha256:… of the tar stream. */
  digest: string;
  /** Of the tar stream. */
  sizeBytes: number;
}

export class ImageDigests {
  readonly #known = new Map<string, Promise<ImageDigest>>();

  /** @throws CmigError as `readImage` */
  of(source: ImageSource, onBytes?: (bytes: number) => void): Promise<ImageDigest> {
    const key = `${source.form}:${source.path}`;
    const known = this.#known.get(key) ?? digestOf(source, onBytes);
    this.#known.set(key, known);
    return known;
  }
}

async function digestOf(source: ImageSource, onBytes?: (bytes: number) => void): Promise<ImageDigest> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of readImage(source)) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    onBytes?.(sizeBytes);
  }
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
}
