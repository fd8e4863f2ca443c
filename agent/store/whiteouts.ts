// What a layer's archive says of the layers below it, in overlayfs's own words. An OCI layer (image-spec, layer.md) has an
// empty file `.wh.NAME` where NAME is removed, and `.wh..wh..opq` where nothing of a folder shows through; overlayfs has a
// character device 0:0 named NAME, and an extended attribute of the folder.
import { link, lstat, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';

const prefix = '.wh.';
const opaqueMark = '.wh..wh..opq';
const opaqueAttribute = 'trusted.overlay.opaque';
const walkMs = 600_000;

/**
 * @param folder holds `rootfs`, the unpacked layer; what is needed on the way stands beside it and goes again
 * @throws CmigError `invalid` where a whiteout names nothing
 */
export async function turnWhiteouts(folder: string): Promise<void> {
  const rootfs = join(folder, 'rootfs');
  const list = join(folder, 'list');
  // Names need not be UTF-8: in the C locale a pattern matches any byte, and latin1 keeps every byte.
  const find = ['.', '-name', `${prefix}*`, '-fprint0', list, '-prune'];
  await runProcess('find', find, { cwd: rootfs, env: { LC_ALL: 'C' }, timeoutMs: walkMs });
  const marks = (await readFile(list, 'latin1')).split('\0').filter(Boolean);
  if (marks.length > 0) {
    const layer = new Layer(folder);
    for (const mark of marks) await layer.turn(mark);
    await layer.finish();
  }
  await rm(list);
}

class Layer {
  readonly #folder: string;
  readonly #rootfs: string;
  readonly #opaque = new Set<string>();
  /** Of folders in which something is changed: their times stay what the archive says. */
  readonly #times = new Map<string, { atime: number; mtime: number }>();
  /** One device for all of them, by hard links, as overlayfs itself does it. */
  #device: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#rootfs = join(folder, 'rootfs');
  }

  async turn(mark: string): Promise<void> {
    const slash = mark.lastIndexOf('/');
    const [parent, name] = [mark.slice(0, slash), mark.slice(slash + 1)];
    if (!this.#times.has(parent)) {
      const { atimeMs, mtimeMs } = await lstat(this.#path(parent));
      this.#times.set(parent, { atime: atimeMs / 1000, mtime: mtimeMs / 1000 });
    }
    await rm(this.#path(mark), { recursive: true, force: true });
    if (name === opaqueMark) this.#opaque.add(parent);
    // What else begins like that are notes of aufs to itself.
    else if (!name.startsWith(`${prefix}${prefix}`)) await this.#hide(parent, name.slice(prefix.length));
  }

  async #hide(parent: string, name: string): Promise<void> {
    if (['', '.', '..'].includes(name))
      throw new CmigError(
        'invalid',
        `the image cannot be unpacked: ${parent}/${prefix}${name} hides nothing`,
      );
    const target = `${parent}/${name}`;
    const own = await lstat(this.#path(target)).catch(() => undefined);
    // What the layer has itself under that name stands in the place of what was below; of a folder, nothing shows through.
    if (own?.isDirectory()) this.#opaque.add(target);
    if (own) return;
    try {
      await link(await this.#whiteout(), this.#path(target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMLINK') throw error;
      await this.#dropDevice();
      await link(await this.#whiteout(), this.#path(target));
    }
  }

  async finish(): Promise<void> {
    await this.#dropDevice();
    for (const [path, { atime, mtime }] of this.#times) await utimes(this.#path(path), atime, mtime);
    if (this.#opaque.size > 0) await this.#makeOpaque();
  }

  /** tar packs the folders without what is in them, says the attribute of each, and unpacks them over themselves. */
  async #makeOpaque(): Promise<void> {
    const [list, archive] = [join(this.#folder, 'opaque'), join(this.#folder, 'opaque.tar')];
    await writeFile(list, Buffer.from([...this.#opaque].map((path) => `${path}\0`).join(''), 'latin1'));
    const common = ['-C', this.#rootfs, '--xattrs', `--xattrs-include=${opaqueAttribute}`, '--numeric-owner'];
    await runProcess('tar', [
      ...['-cf', archive, ...common, '--format=pax', `--pax-option=SCHILY.xattr.${opaqueAttribute}:=y`],
      ...['--no-recursion', '--null', '-T', list],
    ]);
    await runProcess('tar', ['-xf', archive, ...common, '-p', '--same-owner']);
    for (const file of [list, archive]) await rm(file);
  }

  async #whiteout(): Promise<string> {
    if (this.#device === undefined) {
      const device = join(this.#folder, 'whiteout');
      await runProcess('mknod', [device, 'c', '0', '0']).catch((cause) => {
        if (codeOf(cause) !== 'tool-failed') throw cause;
        throw new CmigError('failed', 'this host cannot note what a layer of an image removes', {
          hint: 'overlayfs wants a character device for it, which the agent must be allowed to make',
          cause,
        });
      });
      this.#device = device;
    }
    return this.#device;
  }

  async #dropDevice(): Promise<void> {
    if (this.#device !== undefined) await rm(this.#device);
    this.#device = undefined;
  }

  #path(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.#rootfs}/`), Buffer.from(path, 'latin1')]);
  }
}
