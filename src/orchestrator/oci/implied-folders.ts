// Folders that a layer has only because something lies in them. Its archive says nothing of their owner and mode, and in an
// overlay the topmost folder's count: without more, such a layer would give /tmp or a home to root. They are said again in
// a layer upon all others, which images as Docker builds them do not need: those name every folder.
import type { TarEntry } from './tar-entries.ts';
import { writeFolders } from './tar-folders.ts';

export type Folder = Pick<TarEntry, 'path' | 'mode' | 'uid' | 'gid' | 'mtime'>;

const whiteout = '.wh.';
const opaqueMark = '.wh..wh..opq';

export class ImpliedFolders {
  /** As the topmost layer has it that names it. */
  readonly #folders = new Map<string, Folder>();
  readonly #implied = new Set<string>();
  #named = new Map<string, Folder>();
  #ancestors = new Set<string>();
  /** Paths of which nothing that lies below shows any more; with what is in them, or only that. */
  #gone: { path: string; itself: boolean }[] = [];

  /** A member of the layer, of which the next call of `endLayer` is the end. */
  add(entry: TarEntry): void {
    const { path, type } = entry;
    const slash = path.lastIndexOf('/');
    const [parent, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
    if (path !== '') for (const each of ancestorsOf(path)) this.#ancestors.add(each);
    if (name === opaqueMark) this.#gone.push({ path: parent, itself: false });
    else if (name.startsWith(whiteout)) {
      const hidden = name.slice(whiteout.length);
      this.#gone.push({ path: parent ? `${parent}/${hidden}` : hidden, itself: true });
    } else if (type === 'folder') this.#named.set(path, entry);
    else this.#gone.push({ path, itself: true });
  }

  endLayer(): void {
    for (const { path, itself } of this.#gone) {
      if (itself) this.#forget(path);
      for (const each of [...this.#folders.keys()])
        if (path === '' ? each !== '' : each.startsWith(`${path}/`)) this.#forget(each);
    }
    for (const path of this.#ancestors)
      if (!this.#named.has(path) && this.#folders.has(path)) this.#implied.add(path);
    for (const [path, folder] of this.#named) {
      this.#folders.set(path, folder);
      this.#implied.delete(path);
    }
    this.#named = new Map();
    this.#ancestors = new Set();
    this.#gone = [];
  }

  /** The archive of a layer that says them again, or undefined where there is nothing to be said. */
  layer(): Buffer | undefined {
    const wrong = [...this.#implied].filter((path) => !isUsual(this.#folders.get(path)!));
    if (wrong.length === 0) return undefined;
    const all = new Set(wrong.flatMap((path) => (path === '' ? [''] : [...ancestorsOf(path), path])));
    return writeFolders([...all].sort().flatMap((path) => this.#folders.get(path) ?? []));
  }

  #forget(path: string): void {
    this.#folders.delete(path);
    this.#implied.delete(path);
  }
}

/** As folders are that nobody names. */
const isUsual = ({ mode, uid, gid }: Folder): boolean => (mode & 0o7777) === 0o755 && uid === 0 && gid === 0;

/** `a/b/c` -> the root, `a`, `a/b` */
function ancestorsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index).join('/'));
}
