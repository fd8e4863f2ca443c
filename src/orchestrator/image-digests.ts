// The digests of root file systems on this machine, each read once in one run however many containers use it.
import { createHash } from 'node:crypto';
import { CmigError } from '../core/errors.ts';
import { type ImageSource, readImage } from './image-source.ts';

export interface ImageLayer {
  /** sha256:… of the tar stream. */
  digest: string;
  /** Of the tar stream. */
  sizeBytes: number;
  /** What is sent to a host that lacks it. */
  source: ImageSource;
  /** Where the source is a copy that this machine keeps: removes it if it is damaged, and says whether it was. */
  dropDamaged?: () => Promise<boolean>;
}

export interface ImageDigest {
  /** sha256:… as `chainDigest` makes it of those of the layers. */
  digest: string;
  /** Of the layers together. */
  sizeBytes: number;
  /** The base first. */
  layers: ImageLayer[];
}

export class ImageDigests {
  readonly #known = new Map<string, Promise<ImageDigest>>();

  /** A root file system as an image of one layer. @throws CmigError as `readImage` */
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
  // What its digest does not pin may have been cut short; an archive is whole blocks.
  if (sizeBytes % 512 !== 0)
    throw new CmigError('invalid', `the image ${source.path} is damaged: it ends in the middle of a block`, {
      hint: 'build or copy it again',
    });
  const digest = `sha256:${hash.digest('hex')}`;
  return { digest, sizeBytes, layers: [{ digest, sizeBytes, source }] };
}
