// What is to be known of an image's layers before they are laid over one another: digests, sizes, and its accounts.
import { createHash } from 'node:crypto';
import { type ImageSource, readImage } from '../image-source.ts';
import type { AccountFiles } from './accounts.ts';
import { ImpliedFolders } from './implied-folders.ts';
import { TarEntries } from './tar-entries.ts';

export interface ReadLayer {
  /** sha256:… of the tar stream. */
  digest: string;
  /** Of the tar stream. */
  sizeBytes: number;
}

const largestAccountFile = 1024 * 1024;
const accountFiles = ['passwd', 'group'] as const;

/** Collects over the layers of one image, which are given to it from the base upwards. */
export class LayersReader {
  readonly accounts: AccountFiles = { passwd: '', group: '' };
  readonly folders = new ImpliedFolders();

  /** @throws CmigError as `readImage` */
  async read(source: ImageSource, onBytes?: (bytes: number) => void): Promise<ReadLayer> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    /** Of this layer: they count whether they come before or behind what they hide. */
    const own: Partial<AccountFiles> = {};
    const hidden = new Set<string>();
    const entries = new TarEntries((entry) => {
      const { path, type, sizeBytes: length } = entry;
      this.folders.add(entry);
      if (path === '.wh..wh..opq' || path === '.wh.etc' || path === 'etc/.wh..wh..opq')
        hidden.add('passwd').add('group');
      // A link could lead out of the image: then there are no names to be looked up.
      if (path === 'etc' && type !== 'folder') hidden.add('passwd').add('group');
      for (const name of accountFiles) {
        if (path === `etc/.wh.${name}`) hidden.add(name);
        if (path !== `etc/${name}`) continue;
        hidden.add(name);
        delete own[name];
        if (type !== 'file' || length > largestAccountFile) continue;
        return (content) => {
          own[name] = content.toString('utf8');
        };
      }
      return undefined;
    });
    for await (const chunk of readImage(source)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      entries.push(chunk);
      onBytes?.(sizeBytes);
    }
    this.folders.endLayer();
    for (const name of accountFiles) if (hidden.has(name)) this.accounts[name] = own[name] ?? '';
    return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
  }
}
