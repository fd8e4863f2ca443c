// RPC: images, received in chunks from an orchestrator or sent on to a peer, listed and removed.
import { type Image, imageName } from '../../src/contract/image.ts';
import type { Params, Result } from '../../src/contract/methods.ts';
import { apiVersion } from '../../src/contract/protocol.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { AgentContext } from '../context.ts';
import type { HostRegistry } from '../peers/host-registry.ts';
import type { ApplicationStore } from '../store/application-store.ts';
import { type ImageRecord, ImageStore } from '../store/image-store.ts';
import { imageUsers } from '../store/image-use.ts';
import type { PeerTransfer } from '../transfer/peer-transfer.ts';
import { sendImage } from '../transfer/send-image.ts';

export const imageHandlers = (
  context: Pick<AgentContext, 'config' | 'events' | 'paths' | 'rpc'>,
  images: ImageStore,
  applications: ApplicationStore,
  hosts: HostRegistry,
  transfer: PeerTransfer,
  /** Two applications of one image may go to one host at once: it is sent there once. */
  sending = new Map<string, Promise<{ bytes: number }>>(),
) => ({
  'image.describe': async ({ digest }: Params<'image.describe'>): Promise<Result<'image.describe'>> => {
    // Whoever asks is about to use it.
    images.holds.hold(digest);
    const record = await images.find(digest);
    return record ? { present: true, sizeBytes: record.sizeBytes } : { present: false };
  },
  'image.put': async ({ digest, layers, source }: Params<'image.put'>): Promise<Result<'image.put'>> => {
    images.holds.hold(digest);
    const before = await images.find(digest);
    if (before) return { missing: [] };
    const missing = await images.put(digest, layers, source);
    const made = missing.length === 0 ? await images.find(digest) : undefined;
    if (made) context.events.publish('image.received', { digest, sizeBytes: made.sizeBytes });
    return { missing };
  },
  'image.upload.begin': async ({ digest }: Params<'image.upload.begin'>) => ({
    upload: await images.layers.beginUpload(digest),
  }),
  'image.upload.chunk': async ({ upload, sequence, data }: Params<'image.upload.chunk'>) => {
    await images.layers.writeUpload(upload, sequence, Buffer.from(data, 'base64'));
    return {};
  },
  'image.upload.abort': async ({ upload }: Params<'image.upload.abort'>) => {
    await images.layers.abortUpload(upload);
    return {};
  },
  'image.upload.end': async ({ upload }: Params<'image.upload.end'>) => {
    await images.layers.endUpload(upload);
    return {};
  },
  'image.send': ({ digest, to }: Params<'image.send'>): Promise<Result<'image.send'>> =>
    images.holds.during(digest, async () => {
      const { layers, source } = await images.get(digest);
      const peer = hosts.get(to);
      const isThere = async (): Promise<boolean> =>
        (await context.rpc.call(to, 'image.describe', { digest }, { timeoutMs: 60_000 })).present;
      if (await isThere()) return { bytes: 0 };
      const key = `${digest} ${to}`;
      const under = sending.get(key);
      const send = async () => {
        const wanted = { digest, layers: layers.map((layer) => layer.digest), ...(source ? { source } : {}) };
        const { missing } = await context.rpc.call(to, 'image.put', wanted, { timeoutMs: 60_000 });
        if (missing.length === 0) return { bytes: 0 };
        return sendImage(transfer, peer, {
          paths: context.paths,
          digest,
          layers: missing,
          destination: ImageStore.deliveryFolder(digest),
          onProgress: (progress) => context.events.publish('image.progressed', { digest, to, ...progress }),
        });
      };
      const sent = under ?? send().finally(() => sending.delete(key));
      if (!under) sending.set(key, sent);
      const { bytes } = await sent.catch(async (error) => {
        // Another host may have sent the same one, and been faster.
        if (await isThere()) return { bytes: 0 };
        throw error;
      });
      // The question makes the peer take in what was delivered.
      if (!(await isThere()))
        throw new CmigError('failed', `the image ${digest} was sent to ${to}, but did not arrive`);
      return { bytes };
    }),
  'image.list': async (): Promise<Result<'image.list'>> => {
    const users = await imageUsers(applications, context.paths);
    const records = await images.list();
    return {
      images: records.map(
        (record): Image => ({
          apiVersion,
          kind: 'Image',
          metadata: { name: imageName(record.digest) },
          status: {
            host: context.config.name,
            ...record,
            ...shares(record, records),
            usedBy: users.get(record.digest) ?? [],
          },
        }),
      ),
    };
  },
  'image.prune': async ({ dryRun }: Params<'image.prune'>): Promise<Result<'image.prune'>> => {
    const isUsed = async (digest: string) => (await imageUsers(applications, context.paths)).has(digest);
    const { removed, kept, layers } = await images.prune(isUsed, dryRun);
    if (!dryRun)
      for (const { digest, sizeBytes } of removed)
        context.events.publish('image.removed', { digest, sizeBytes });
    return { removed: removed.map(named), kept: kept.map(named), layers };
  },
});

/** How much of an image other images on this host are made of, too. */
function shares({ digest, sizeBytes, layers }: ImageRecord, all: readonly ImageRecord[]) {
  const others = all.filter((each) => each.digest !== digest);
  const shared = new Set(others.flatMap((each) => each.layers.map((layer) => layer.digest)));
  const sharedBytes = layers.reduce(
    (sum, layer) => sum + (shared.has(layer.digest) ? layer.sizeBytes : 0),
    0,
  );
  return { sharedBytes, ownBytes: sizeBytes - sharedBytes };
}

const named = ({ digest, sizeBytes }: ImageRecord) => ({ digest, sizeBytes });
