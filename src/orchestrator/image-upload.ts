// Brings an image to a host: not at all where it is there, from another host where one has it, else from this machine.
import { subscribeEvents } from '../broker/events.ts';
import type { RpcClient } from '../broker/rpc-client.ts';
import { uploadChunkBytes } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';
import { unlessAborted } from '../core/unless-aborted.ts';
import type { OrchestratorContext } from './context.ts';
import type { ImageDigest, ImageLayer } from './image-digests.ts';
import { readImage } from './image-source.ts';

export interface ImageTransfer {
  /** As a manifest writes it: what the host tells of where the image is from. */
  text: string;
  image: ImageDigest;
  /** Where it is needed. */
  host: string;
  /** Hosts that may have it and can send it. */
  peers: readonly string[];
  onBytes?: (bytes: number, bytesPerSecond: number) => void;
  /** How many bytes will be sent from this machine, as soon as that is known. */
  onMissing?: (bytes: number) => void;
  /** Aborted: an upload is given up, and the host forgets it. */
  signal?: AbortSignal | undefined;
}

/** How the image came to be there. */
export type ImageOrigin =
  | { from: 'present' }
  | { from: 'host'; host: string }
  | { from: 'upload'; bytes: number };

/**
 * The image is on `host` when it returns.
 * @throws CmigError `invalid` where the image changes while it is sent; `cancelled`; whatever the host says
 */
export async function bringImage(
  context: OrchestratorContext,
  transfer: ImageTransfer,
): Promise<ImageOrigin> {
  const { digest } = transfer.image;
  const has = async (host: string) => (await context.rpc.call(host, 'image.describe', { digest })).present;
  if (await has(transfer.host)) return { from: 'present' };
  const answers = await Promise.all(
    transfer.peers.map(async (peer) => ((await has(peer).catch(() => false)) ? peer : undefined)),
  );
  for (const peer of answers) {
    if (peer === undefined) continue;
    try {
      await unlessAborted(sendFromPeer(context, peer, transfer), transfer.signal, sending(transfer));
      return { from: 'host', host: peer };
    } catch (error) {
      if (transfer.signal?.aborted) throw error;
      // What one host cannot send, another one or this machine can.
    }
  }
  return { from: 'upload', bytes: await upload(context, transfer) };
}

const sending = ({ text, host }: ImageTransfer) => `the sending of the image ${text} to ${host}`;

async function sendFromPeer(
  context: OrchestratorContext,
  peer: string,
  transfer: ImageTransfer,
): Promise<void> {
  const { image, host, onBytes } = transfer;
  const events = onBytes
    ? await subscribeEvents(context.connection, { types: ['image.progressed'], hosts: [peer], stat: true })
    : undefined;
  const watched = (async () => {
    for await (const event of events ?? []) {
      if (event.type !== 'image.progressed') continue;
      const { digest, to, bytes, bytesPerSecond } = event.data;
      if (digest === image.digest && to === host) onBytes?.(bytes, bytesPerSecond);
    }
  })();
  try {
    await context.rpc.callLong(peer, 'image.send', { digest: image.digest, to: host });
  } finally {
    await events?.close();
    await watched.catch(() => {});
  }
}

/** Chunks on their way at once: enough to fill the link over a round trip, few enough for the broker's memory. */
const chunksInFlight = 8;
const chunkTimeoutMs = 60_000;
/** Behind the chunks that are on their way; a host that does not answer gives it up by itself, later. */
const giveUpTimeoutMs = 10_000;

/** The layers that one question says are missing can be missing again where somebody has pruned meanwhile. */
const rounds = 3;

/** Sends the layers that the host lacks. Answers how many bytes they were. */
async function upload(context: OrchestratorContext, transfer: ImageTransfer): Promise<number> {
  const { host, image, text, onBytes, onMissing } = transfer;
  const wanted = {
    digest: image.digest,
    layers: image.layers.map(({ digest }) => digest),
    source: text.slice(0, 1024),
  };
  const startedAt = performance.now();
  let sent = 0;
  for (let round = 0; round <= rounds; round++) {
    const { missing } = await context.rpc.call(host, 'image.put', wanted, { timeoutMs: 60_000 });
    if (missing.length === 0) return sent;
    const layers = missing.map((digest) => image.layers.find((layer) => layer.digest === digest)!);
    onMissing?.(sent + layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    for (const layer of layers) {
      const before = sent;
      sent += await uploadLayer(context, transfer, layer, (bytes) =>
        onBytes?.(before + bytes, ((before + bytes) / Math.max(1, performance.now() - startedAt)) * 1000),
      );
    }
  }
  throw new CmigError('failed', `${host} does not keep the layers of the image ${text}`, {
    hint: 'does somebody prune its images all the time?',
  });
}

async function uploadLayer(
  context: OrchestratorContext,
  transfer: ImageTransfer,
  layer: ImageLayer,
  onBytes: (bytes: number) => void,
): Promise<number> {
  try {
    return await sendLayer(context, transfer, layer, onBytes);
  } catch (cause) {
    if (transfer.signal?.aborted || !(await layer.dropDamaged?.())) throw cause;
    throw new CmigError('invalid', `a layer of the image was damaged on this machine: ${layer.source.path}`, {
      hint: 'it has been removed, and is fetched again: try again',
      cause,
    });
  }
}

/** Answers how many bytes it has. What cannot be ended is given up, so that the host need not wait for more of it. */
async function sendLayer(
  { rpc }: OrchestratorContext,
  transfer: ImageTransfer,
  layer: ImageLayer,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const { host, signal } = transfer;
  const { digest } = layer;
  const { upload } = await rpc.call(host, 'image.upload.begin', { digest }, { timeoutMs: 20_000 });
  try {
    return await unlessAborted(
      sendChunks(rpc, { ...transfer, upload }, layer, onBytes),
      signal,
      sending(transfer),
    );
  } catch (error) {
    await rpc.call(host, 'image.upload.abort', { upload }, { timeoutMs: giveUpTimeoutMs }).catch(() => {});
    throw error;
  }
}

async function sendChunks(
  rpc: RpcClient,
  { host, signal, upload }: ImageTransfer & { upload: string },
  { source }: ImageLayer,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const inFlight = new Set<Promise<void>>();
  let failure: unknown;
  let arrived = 0;
  let sequence = 0;
  for await (const chunk of inPieces(readImage(source), uploadChunkBytes)) {
    if (failure || signal?.aborted) break;
    const params = { upload, sequence, data: Buffer.from(chunk).toString('base64') };
    sequence += 1;
    const sent = rpc.call(host, 'image.upload.chunk', params, { timeoutMs: chunkTimeoutMs }).then(
      () => {
        arrived += chunk.length;
        onBytes(arrived);
      },
      (error) => {
        failure ??= error;
      },
    );
    inFlight.add(sent);
    void sent.then(() => inFlight.delete(sent));
    if (inFlight.size >= chunksInFlight) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  if (failure || signal?.aborted) throw failure ?? signal?.reason;
  try {
    await rpc.call(host, 'image.upload.end', { upload }, { timeoutMs: chunkTimeoutMs * 10 });
  } catch (error) {
    if (!(error instanceof CmigError) || error.code !== 'invalid') throw error;
    throw new CmigError('invalid', `the image ${source.path} was changed while it was sent, or is damaged`, {
      hint: 'leave it alone until the command has ended, then try again',
      cause: error,
    });
  }
  return arrived;
}

/** The same bytes in pieces of exactly `size`, but for the last one. */
async function* inPieces(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (length + rest.length >= size) {
      parts.push(rest.subarray(0, size - length));
      rest = rest.subarray(size - length);
      yield Buffer.concat(parts);
      parts = [];
      length = 0;
    }
    if (rest.length > 0) {
      parts.push(rest);
      length += rest.length;
    }
  }
  if (length > 0) yield Buffer.concat(parts);
}
