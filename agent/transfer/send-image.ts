// Pushes an image to a peer, without the layers that the peer has; its `image.json` goes last, so that the peer takes in
// only what is whole.
import type { HostRecord } from '../../src/contract/host.ts';
import { type AgentPaths, hexOf } from '../store/paths.ts';
import type { PeerTransfer, TransferProgress } from './peer-transfer.ts';

export interface ImageToSend {
  paths: AgentPaths;
  digest: string;
  /** Those that the peer lacks. */
  layers: readonly string[];
  /** Where the peer expects it, below its `incoming`. */
  destination: string;
  onProgress?: (progress: TransferProgress) => void;
}

/** @returns the bytes that went over the wire. @throws CmigError as PeerTransfer.send */
export async function sendImage(
  transfer: PeerTransfer,
  peer: HostRecord,
  { paths, digest, layers, destination, onProgress }: ImageToSend,
): Promise<{ bytes: number }> {
  await transfer.connect(peer);
  const contents = await transfer.send(peer, {
    sources: layers.map((layer) => `${paths.dataDirectory}/./layers/${hexOf(layer)}`),
    destination,
    deleteExtra: true,
    ...(onProgress ? { onProgress } : {}),
  });
  const record = await transfer.send(peer, { sources: [`${paths.image(digest)}/./image.json`], destination });
  return { bytes: contents.bytes + record.bytes };
}
