// Layers as OCI has them, laid over one another by the real overlayfs; what images share, and what is left of them.
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { mountOverlay, unmountOverlay } from '../../../../agent/runtime/overlay.ts';
import { ImageStore } from '../../../../agent/store/image-store.ts';
import { chainDigest } from '../../../../src/core/chain-digest.ts';
import { runProcess } from '../../../../src/core/run-process.ts';
import { useScratchStore } from './scratch-store.ts';

const scratch = useScratchStore((folder) => unmountOverlay(join(folder, 'root')));

type Files = Record<string, string | Buffer>;

/** Uploads a layer of these files (a name that ends in a slash is a folder's), and answers its digest. */
async function layer(files: Files, more: (root: string) => Promise<void> = async () => {}): Promise<string> {
  const root = await mkdtemp(join(scratch.folder, 'source-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, `${name}.`)), { recursive: true });
    if (!name.endsWith('/')) await writeFile(join(root, name), text);
  }
  await more(root);
  const archive = `${root}.tar`;
  await runProcess('tar', ['-C', root, '--sort=name', '--numeric-owner', '-cf', archive, '.']);
  return scratch.uploadLayer(await readFile(archive));
}

async function image(...layers: string[]): Promise<string> {
  expect(await scratch.store.put(chainDigest(layers), layers)).toEqual([]);
  return chainDigest(layers);
}

/** What a container of the image would see: its root file system. */
async function mounted(digest: string): Promise<string> {
  const mountPoint = join(scratch.folder, 'root');
  await unmountOverlay(mountPoint);
  await mountOverlay({
    lower: await scratch.store.folders(digest),
    links: join(scratch.folder, 'links'),
    upper: join(scratch.folder, 'upper'),
    work: join(scratch.folder, 'work'),
    mountPoint,
  });
  return mountPoint;
}

async function filesOf(root: string): Promise<string[]> {
  const { stdout } = await runProcess('find', ['.', '-type', 'f', '-printf', '%P: '], { cwd: root });
  return stdout.split(': ').filter(Boolean).sort();
}

describe('layers over one another', () => {
  it('remove, replace and hide what is below, whatever its name is', async () => {
    const odd = `spaces and "quotes"\nand a line, ${'ü'.repeat(60)}`;
    const base = await layer(
      {
        'etc/kept': 'base',
        'etc/gone': 'base',
        [`etc/${odd}`]: 'base',
        'folder/gone/deep/file': 'base',
        'hidden/old': 'base',
        'hidden/inner/old': 'base',
        'replaced/inside': 'base',
        becomes: 'a file',
        'anew/old': 'base',
      },
      (root) =>
        runProcess('sh', ['-c', 'printf base >etc/latin-$(printf "\\374")'], { cwd: root }).then(() => {}),
    );
    const top = await layer(
      {
        'etc/.wh.gone': '',
        [`etc/.wh.${odd}`]: '',
        'folder/.wh.gone': '',
        'hidden/.wh..wh..opq': '',
        'hidden/new': 'top',
        replaced: 'top',
        'becomes/folder': 'top',
        '.wh.becomes': '',
        '.wh.anew': '',
        'anew/new': 'top',
        '.wh..wh.plnk/note': 'of aufs',
        '.wh.never-was': '',
      },
      async (root) => {
        await runProcess('sh', ['-c', ': >etc/.wh.latin-$(printf "\\374")'], { cwd: root });
        await chown(join(root, 'hidden'), 1000, 1001);
        await chmod(join(root, 'hidden'), 0o2750);
        for (const name of ['hidden', 'etc']) await utimes(join(root, name), 1e9, 1e9);
      },
    );
    const root = await mounted(await image(base, top));
    expect(await filesOf(root)).toEqual(
      ['anew/new', 'becomes/folder', 'etc/kept', 'hidden/new', 'replaced'].sort(),
    );
    const hidden = await lstat(join(root, 'hidden'));
    expect([hidden.uid, hidden.gid, hidden.mode & 0o7777]).toEqual([1000, 1001, 0o2750]);
    expect([hidden.mtimeMs, (await lstat(join(root, 'etc'))).mtimeMs]).toEqual([1e12, 1e12]);
    // Nothing of the work on a layer is left beside it.
    expect((await readdir(scratch.paths.layer(top))).sort()).toEqual(['layer.json', 'rootfs']);
    // The base alone is what it was.
    expect(await filesOf(await mounted(await image(base)))).toHaveLength(9 + 1);
  });

  it('are as many as an image has, one of them more than once', async () => {
    const layers: string[] = [];
    for (let number = 0; number < 60; number++)
      layers.push(await layer({ [`file-${number}`]: 'x', last: `${number}` }));
    const root = await mounted(await image(...layers, layers[7]!));
    expect(await filesOf(root)).toHaveLength(61);
    expect(await readFile(join(root, 'last'), 'utf8')).toBe('7');
  });

  it('are refused where a whiteout names nothing', async () => {
    await expect(layer({ 'etc/.wh...': '' })).rejects.toMatchObject({ code: 'invalid' });
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
  });

  it('may not lead a whiteout out of the image', async () => {
    await mkdir(join(scratch.folder, 'outside'));
    await writeFile(join(scratch.folder, 'outside/kept'), '');
    const way = await layer({}, (root) => symlink(join(scratch.folder, 'outside'), join(root, 'way')));
    await image(way, await layer({ 'way/.wh.kept': '' }));
    expect(await readdir(join(scratch.folder, 'outside'))).toEqual(['kept']);
  });
});

describe('an archive whose last block is not filled up, as umoci leaves it', () => {
  const uploaded = async (data: Buffer): Promise<string> =>
    scratch.paths.layerRootfs(await scratch.uploadLayer(data));

  it('is taken as it is, and one that lacks more is not', async () => {
    await writeFile(join(scratch.folder, 'file'), 'x'.repeat(2000));
    await runProcess('tar', ['-C', scratch.folder, '-cf', join(scratch.folder, 'file.tar'), 'file']);
    const data = await readFile(join(scratch.folder, 'file.tar'));
    const rootfs = await uploaded(data.subarray(0, 512 + 2000));
    expect(await readFile(join(rootfs, 'file'), 'utf8')).toBe('x'.repeat(2000));
    await expect(uploaded(data.subarray(0, 512 + 1000))).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('images that share layers', () => {
  it('want only what is missing, keep what another one needs, and go with what nobody does', async () => {
    const base = await layer({ base: 'x'.repeat(100_000) });
    const [one, other] = [await layer({ one: '1' }), await layer({ other: '2' })];
    const first = await image(base, one);
    const second = chainDigest([base, other, one]);
    const absent = `sha256:${'0'.repeat(64)}`;
    expect(await scratch.store.put(chainDigest([base, absent]), [base, absent])).toEqual([absent]);
    await expect(scratch.store.put(first, [base, other])).rejects.toMatchObject({ code: 'invalid' });
    expect(await scratch.store.put(second, [base, other, one])).toEqual([]);

    // What was asked for a while ago is about to be used no more.
    scratch.nowMs += 11 * 60_000;
    const isFirst = async (digest: string) => digest === first;
    const planned = await scratch.store.prune(isFirst, true);
    expect(planned).toMatchObject({ removed: [{ digest: second }], layers: [{ digest: other }] });
    expect(await scratch.store.prune(isFirst)).toEqual(planned);
    expect((await readdir(scratch.paths.layersDirectory)).sort()).toEqual(
      [base, one].map((each) => each.slice(7)).sort(),
    );
    expect(await filesOf(await mounted(first))).toEqual(['base', 'one']);

    const all = await scratch.store.prune(async () => false);
    expect(all.layers.map(({ digest }) => digest).sort()).toEqual([base, one].sort());
    expect(await readdir(scratch.paths.layersDirectory)).toEqual([]);
  });

  it('keep a layer that has just come until an image is made of it', async () => {
    const waiting = await layer({ waiting: '' });
    expect((await scratch.store.prune(async () => false)).layers).toEqual([]);
    await image(waiting);
    expect((await scratch.store.prune(async () => false)).layers).toMatchObject([{ digest: waiting }]);
  });
});

describe('at the start of the agent', () => {
  it('what was half unpacked is swept, and what is whole stays', async () => {
    const kept = await layer({ kept: '' });
    const whole = await image(kept);
    const id = await scratch.store.layers.beginUpload(`sha256:${'0'.repeat(64)}`);
    await scratch.store.layers.writeUpload(id, 0, Buffer.alloc(1024));
    const deliveries = join(scratch.paths.incomingDirectory, 'images');
    for (const name of ['old', 'under-way'])
      await mkdir(join(deliveries, name, 'layers/x/rootfs'), { recursive: true });
    await utimes(join(deliveries, 'old'), 1e9, 1e9);
    const next = new ImageStore(scratch.paths);
    await next.open();
    expect(await readdir(scratch.paths.imagesIncoming)).toEqual([]);
    expect(await readdir(deliveries)).toEqual(['under-way']);
    expect(await next.folders(whole)).toEqual([scratch.paths.layerRootfs(kept)]);
    await next.close();
  });

  it('an image of an agent that knew no layers becomes one of one layer, wherever it was interrupted', async () => {
    const digest = await layer({ 'bin/program': 'old' });
    const kept = { digest, sizeBytes: 10240, source: 'dir:old', createdAt: '2026-01-02T03:04:05.000Z' };
    const earlier = async (): Promise<void> => {
      await rm(scratch.paths.image(digest), { recursive: true, force: true });
      await rename(scratch.paths.layer(digest), scratch.paths.image(digest));
      await rm(join(scratch.paths.image(digest), 'layer.json'), { force: true });
      await writeFile(scratch.paths.imageFile(digest), JSON.stringify(kept));
    };
    const openAgain = async (): Promise<void> => {
      const next = new ImageStore(scratch.paths);
      await next.open();
      expect(await next.find(digest)).toEqual({ ...kept, layers: [{ digest, sizeBytes: 10240 }] });
      expect(await filesOf(scratch.paths.layerRootfs(digest))).toEqual(['bin/program']);
      expect((await readdir(scratch.paths.layer(digest))).sort()).toEqual(['layer.json', 'rootfs']);
      await next.close();
    };
    await earlier();
    await openAgain();
    await openAgain();
    // Killed between the one rename and the record.
    await earlier();
    await writeFile(
      join(scratch.paths.image(digest), 'layer.json'),
      JSON.stringify({ digest, sizeBytes: 10240 }),
    );
    await rename(scratch.paths.image(digest), scratch.paths.layer(digest));
    await openAgain();
  });
});
