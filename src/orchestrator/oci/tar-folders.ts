// Writes a tar archive of folders alone: the same bytes for the same folders.
import type { Folder } from './implied-folders.ts';

const blockBytes = 512;
const largestOctal = 0o7777777;

/** In the format of POSIX; what does not fit into its fields stands in a pax header. */
export function writeFolders(folders: readonly Folder[]): Buffer {
  const blocks = folders.flatMap((folder) => {
    const path = `./${folder.path ? `${folder.path}/` : ''}`;
    const { uid, gid } = folder;
    const pax = {
      ...(path.length <= 100 && /^[\x20-\x7e]*$/.test(path) ? {} : { path }),
      ...(uid <= largestOctal ? {} : { uid: String(uid) }),
      ...(gid <= largestOctal ? {} : { gid: String(gid) }),
    };
    const plain = { ...folder, path: pax.path ? './' : path, uid: pax.uid ? 0 : uid, gid: pax.gid ? 0 : gid };
    return [...(Object.keys(pax).length > 0 ? [paxHeader(pax)] : []), header({ ...plain, flag: '5' })];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function paxHeader(values: Readonly<Record<string, string>>): Buffer {
  const content = Buffer.concat(
    Object.entries(values).map(([key, value]) => paxRecord(` ${key}=${value}\n`)),
  );
  const folder = { path: './PaxHeaders', mode: 0o644, uid: 0, gid: 0, mtime: '0', flag: 'x' };
  const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes);
  return Buffer.concat([header({ ...folder, sizeBytes: content.length }), content, padding]);
}

/** The length that a record begins with counts its own digits. */
function paxRecord(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  let length = bytes;
  while (String(length).length + bytes !== length) length = String(length).length + bytes;
  return Buffer.from(`${length}${text}`);
}

function header(entry: Folder & { flag: string; sizeBytes?: number }): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (at: number, length: number, value: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  block.write(entry.path, 0, 'latin1');
  octal(100, 8, entry.mode & 0o7777);
  octal(108, 8, entry.uid);
  octal(116, 8, entry.gid);
  octal(124, 12, entry.sizeBytes ?? 0);
  octal(136, 12, Math.max(0, Math.floor(Number(entry.mtime))));
  block.write(entry.flag, 156, 'latin1');
  block.write('ustar\0', 257, 'latin1');
  block.write('00', 263, 'latin1');
  // Of the header itself, with spaces in the sum's place.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
