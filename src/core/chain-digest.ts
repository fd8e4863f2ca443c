// The digest of an image by the digests of its layers: the ChainID of the OCI image-spec (config.md). That of one layer
// is the layer's own, so a root file system that is no image of layers is one layer of the same digest.
import { createHash } from 'node:crypto';

/** @param layers sha256:… of their tar streams, the base first; at least one */
export function chainDigest(layers: readonly string[]): string {
  const [base, ...others] = layers;
  if (base === undefined) throw new RangeError('an image has at least one layer');
  return others.reduce(
    (below, layer) => `sha256:${createHash('sha256').update(`${below} ${layer}`).digest('hex')}`,
    base,
  );
}
