// Images of layers that are uploaded in chunks and unpacked by the real tar.
import { mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ImageStore } from '../../../../agent/store/image-store.ts';
import { hexOf } from '../../../../agent/store/paths.ts';
import { codeOf } from '../../../../src/core/errors.ts';
import { runProcess } from '../../../../src/core/run-process.ts';
import { digestOf, useScratchStore } from './scratch-store.ts';

const scratch = useScratchStore();

/** The bytes of a tar archive of what `fill` puts into a folder. */
async function archive(fill: (root: string) => Promise<void>, ...options: string[]): Promise<Buffer> {
  const root = join(scratch.folder, 'source');
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  await fill(root);
  await runProcess('tar', ['-C', root, '-cf', join(scratch.folder, 'image.tar'), ...options, '.']);
  return readFile(join(scratch.folder, 'image.tar'));
}

/** As an image of one layer. */
async function upload(data: Uint8Array, digest = digestOf(data)): Promise<void> {
  await scratch.uploadLayer(data, digest, 4096);
  await scratch.store.put(digest, [digest]);
}

const program = async (root: string): Promise<void> => {
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin/program'), 'x'.repeat(300_000), { mode: 0o755 });
  await symlink('/bin/program', join(root, 'entry'));
};

describe('an upload', () => {
  it('becomes an image with modes and links', async () => {
    const data = await archive(program);
    await upload(data);
    const [rootfs] = (await scratch.store.folders(digestOf(data))) as [string];
    expect((await stat(join(rootfs, 'bin/program'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(rootfs, 'entry'))).toBe('/bin/program');
    expect((await scratch.store.find(digestOf(data)))?.sizeBytes).toBe(data.length);
  });

  it('of no such id is refused, and what its id could mean as a path stays', async () => {
    const data = await archive(program);
    await upload(data);
    for (const id of ['..', '../../data', `../${digestOf(data).slice(7)}`, '']) {
      await expect(scratch.store.layers.writeUpload(id, 0, data)).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(scratch.store.layers.endUpload(id)).rejects.toMatchObject({ code: 'not-found' });
    }
    expect(await scratch.store.find(digestOf(data))).toBeDefined();
  });

  it('is refused while too many are under way', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const begun = await Promise.allSettled(
      Array.from({ length: 40 }, () => scratch.store.layers.beginUpload(digest)),
    );
    const refused = begun.flatMap((each) => (each.status === 'rejected' ? [codeOf(each.reason)] : []));
    expect(refused).toEqual(Array(8).fill('conflict'));
  });

  it('is refused where its digest is another, and leaves nothing', async () => {
    const data = await archive(program);
    const other = `sha256:${'0'.repeat(64)}`;
    await expect(upload(data, other)).rejects.toMatchObject({ code: 'invalid' });
    expect(await scratch.store.find(other)).toBeUndefined();
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
  });

  it('is refused where it is no tar archive', async () => {
    await expect(upload(Buffer.from('no archive at all\n'.repeat(1000)))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('cannot be unpacked'),
    });
  });

  it('cannot leave its folder, neither by .. nor over a link', async () => {
    const outside = join(scratch.folder, 'outside');
    await mkdir(outside);
    const data = await archive(
      async (root) => {
        await symlink(outside, join(root, 'way'));
        await writeFile(join(root, 'victim'), 'x');
      },
      '--transform=s,^./victim,way/victim,',
      '--absolute-names',
    );
    await upload(data).catch((error) => expect(codeOf(error)).toBe('invalid'));
    const upwards = await archive(
      (root) => writeFile(join(root, 'victim'), 'x'),
      '--transform=s,^./victim,../../../../outside/victim,',
      '--absolute-names',
    );
    await upload(upwards).catch((error) => expect(codeOf(error)).toBe('invalid'));
    expect(await readdir(outside)).toEqual([]);
  });

  it('that its sender gives up is gone at once, unless it has all that it needs', async () => {
    const data = await archive(program);
    const id = await scratch.store.layers.beginUpload(digestOf(data));
    await scratch.store.layers.writeUpload(id, 0, data.subarray(0, 20_000));
    // What is still on its way comes too late.
    const late = scratch.store.layers.writeUpload(id, 1, data.subarray(20_000)).catch(codeOf);
    await scratch.store.layers.abortUpload(id);
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
    expect([undefined, 'invalid', 'not-found']).toContain(await late);
    await expect(scratch.store.layers.writeUpload(id, 2, data)).rejects.toMatchObject({ code: 'not-found' });
    for (const other of [id, '..', '']) await scratch.store.layers.abortUpload(other);

    const whole = await scratch.store.layers.beginUpload(digestOf(data));
    await scratch.store.layers.writeUpload(whole, 0, data);
    const ending = scratch.store.layers.endUpload(whole);
    await scratch.store.layers.abortUpload(whole);
    // Nor is it silent, however long that takes.
    scratch.nowMs += 121_000;
    await scratch.store.layers.reap();
    expect(await ending).toEqual({ digest: digestOf(data), sizeBytes: data.length });
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
  });

  it('may be made twice at once', async () => {
    const data = await archive(program);
    await Promise.all([upload(data), upload(data)]);
    expect(await scratch.store.list()).toHaveLength(1);
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
  });

  it('passes over a chunk that came already and refuses a gap', async () => {
    const data = await archive(program);
    const id = await scratch.store.layers.beginUpload(digestOf(data));
    await scratch.store.layers.writeUpload(id, 0, data.subarray(0, 1000));
    await scratch.store.layers.writeUpload(id, 0, data.subarray(0, 1000));
    await scratch.store.layers.writeUpload(id, 1, data.subarray(1000));
    await scratch.store.layers.endUpload(id);
    expect(await scratch.store.layers.find(digestOf(data))).toBeDefined();

    const torn = await scratch.store.layers.beginUpload(digestOf(data));
    await expect(scratch.store.layers.writeUpload(torn, 1, data)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('is given up when its sender has been silent for two minutes', async () => {
    const id = await scratch.store.layers.beginUpload(`sha256:${'0'.repeat(64)}`);
    scratch.nowMs = 110_000;
    await scratch.store.layers.reap();
    await scratch.store.layers.writeUpload(id, 0, Buffer.alloc(10));
    scratch.nowMs += 121_000;
    await scratch.store.layers.reap();
    await expect(scratch.store.layers.writeUpload(id, 1, Buffer.alloc(10))).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
  });
});

const record = (digest: string) => ({
  digest,
  sizeBytes: 1,
  layers: [{ digest, sizeBytes: 1 }],
  createdAt: '',
});

describe('an image that a peer delivered', () => {
  it('is taken in when it is whole, which image.json tells', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const delivery = join(scratch.paths.incomingDirectory, ImageStore.deliveryFolder(digest));
    const layer = join(delivery, 'layers', hexOf(digest));
    await mkdir(join(layer, 'rootfs'), { recursive: true });
    expect(await scratch.store.find(digest)).toBeUndefined();
    await writeFile(join(delivery, 'image.json'), JSON.stringify(record(digest)));
    // Of a layer that is not whole, none is taken.
    expect(await scratch.store.find(digest)).toBeUndefined();
    await writeFile(join(layer, 'layer.json'), JSON.stringify({ digest, sizeBytes: 1 }));
    expect((await scratch.store.find(digest))?.digest).toBe(digest);
    expect(await scratch.store.folders(digest)).toEqual([scratch.paths.layerRootfs(digest)]);
    expect(await readdir(join(scratch.paths.incomingDirectory, 'images'))).toEqual([]);
  });

  it('is taken in once, whoever looks for it at the same time', async () => {
    const digest = `sha256:${'b'.repeat(64)}`;
    const delivery = join(scratch.paths.incomingDirectory, ImageStore.deliveryFolder(digest));
    const layer = join(delivery, 'layers', hexOf(digest));
    await mkdir(join(layer, 'rootfs'), { recursive: true });
    await writeFile(join(layer, 'layer.json'), JSON.stringify({ digest, sizeBytes: 1 }));
    await writeFile(join(delivery, 'image.json'), JSON.stringify(record(digest)));
    const found = await Promise.all(Array.from({ length: 5 }, () => scratch.store.find(digest)));
    expect(found.map((record) => record?.digest)).toEqual(Array(5).fill(digest));
  });
});

describe('pruning', () => {
  const nobody = async () => false;

  it('removes what nobody uses, and neither what somebody does nor what is about to be used', async () => {
    const made = async (name: string) => {
      const data = await archive((root) => writeFile(join(root, name), name));
      await upload(data);
      return { data, digest: digestOf(data) };
    };
    const [used, held, other] = [await made('used'), await made('held'), await made('other')];
    scratch.store.holds.hold(held.digest);
    const isUsed = async (digest: string) => digest === used.digest;
    expect(await scratch.store.prune(isUsed, true)).toMatchObject({ removed: [{ digest: other.digest }] });
    expect(await scratch.store.list()).toHaveLength(3);
    const { removed, kept } = await scratch.store.prune(isUsed);
    expect([removed, kept]).toMatchObject([[{ digest: other.digest }], [{ digest: held.digest }]]);
    expect(await scratch.store.find(other.digest)).toBeUndefined();
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);

    // A question that no deployment followed is forgotten after a while.
    scratch.nowMs += 11 * 60_000;
    expect((await scratch.store.prune(isUsed)).removed).toMatchObject([{ digest: held.digest }]);
    await upload(other.data);
    expect(await scratch.store.find(other.digest)).toBeDefined();
  });

  it('keeps an image as long as it is being sent, and one that comes into use at the last moment', async () => {
    const data = await archive(program);
    const digest = digestOf(data);
    await upload(data);
    const sent = Promise.withResolvers<void>();
    const sending = scratch.store.holds.during(digest, () => sent.promise);
    expect(await scratch.store.prune(nobody)).toMatchObject({ removed: [], kept: [{ digest }] });
    sent.resolve();
    await sending;
    let asked = 0;
    const used = async () => ++asked > 1;
    expect(await scratch.store.prune(used)).toEqual({ removed: [], kept: [], layers: [] });
    expect(asked).toBe(2);
    expect(await scratch.store.find(digest)).toBeDefined();
  });

  it('lets who asks meanwhile wait, and tells the truth then', async () => {
    const data = await archive(program);
    const digest = digestOf(data);
    await upload(data);
    let asked = 0;
    let found: Promise<unknown> | undefined;
    const pruned = scratch.store.prune(async () => {
      // From the second question on it is going.
      if (++asked === 2) setImmediate(() => (found = scratch.store.find(digest)));
      if (asked === 2) await new Promise((resolve) => setTimeout(resolve, 50));
      return false;
    });
    expect((await pruned).removed).toHaveLength(1);
    expect(await found).toBeUndefined();
  });
});
