// Pushes an image to a peer; its `image.json` goes last, so that the peer takes in only what is whole.
import type { HostRecord } from '../../src/contract/host.ts';
import type { PeerTransfer, TransferProgress } from './peer-transfer.ts';

export interface ImageToSend {
  /** Holds `rootfs` and `image.json`. */
  folder: string;
  /** Where the peer expects it, below its `incoming`. */
  destination: string;
  onProgress?: (progress: TransferProgress) => void;
}

/** @returns the bytes that went over the wire. @throws CmigError as PeerTransfer.send */
export async function sendImage(
  transfer: PeerTransfer,
  peer: HostRecord,
  { folder, destination, onProgress }: ImageToSend,
): Promise<{ bytes: number }> {
  await transfer.connect(peer);
  const rootfs = await transfer.send(peer, {
    sources: [`${folder}/./rootfs`],
    destination,
    deleteExtra: true,
    ...(onProgress ? { onProgress } : {}),
  });
  const record = await transfer.send(peer, { sources: [`${folder}/./image.json`], destination });
  return { bytes: rootfs.bytes + record.bytes };
}
