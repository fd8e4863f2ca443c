// One rsync of an application's files into an empty folder of this host, sharing what is the same with earlier ones.
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { madeAnew } from '../store/application-files.ts';
import { absolutePath, plainPaths } from '../transfer/plain-paths.ts';

export interface CopyRequest {
  /** The application's folder, with `containers` and `volumes`. */
  folder: string;
  roots: readonly string[];
  /** Empty or not there: what it holds could be a hard link, and rsync would change its owner and mode in place. */
  into: string;
  /** Where a file is as in one of these it becomes a hard link to that; the first counts. */
  sameAs: readonly string[];
  /**
   * Only these files (a list of paths below the folder, each ended by a zero byte), whatever their times say. By
   * `content` they are compared with `sameAs`; by `copy` they are copied.
   */
  only?: { listFile: string; by: 'content' | 'copy' };
}

/** @throws CmigError that says so where the disk is full */
export async function copyLocally({ folder, roots, into, sameAs, only }: CopyRequest): Promise<void> {
  if (only && !(await keepPlain(folder, only.listFile))) return;
  await mkdir(into, { recursive: true });
  const args = [
    ...['-aHAXSR', '-@-1', '--numeric-ids', '--whole-file'],
    // The notes of overlayfs on where a file was copied up from hold for one file system only.
    ...['--filter=-x system.*', '--filter=-x trusted.overlay.origin'],
    ...(only ? ['--from0', `--files-from=${only.listFile}`, '--ignore-missing-args'] : []),
    ...(only ? [only.by === 'content' ? '--checksum' : '--ignore-times'] : []),
    ...(only?.by === 'copy' ? [] : sameAs.map((each) => `--link-dest=${each}`)),
    ...(only ? [] : madeAnew.map((pattern) => `--exclude=/${pattern}`)),
    ...['--', ...(only ? [`${folder}/./`] : roots.map((root) => `${folder}/./${root}`)), `${into}/`],
  ];
  try {
    await runProcess('rsync', args, {
      timeoutMs: 0,
      env: { LC_ALL: 'C' },
      // 24: a file went while it was being copied, as files of a running application do.
      allowedExitCodes: [0, 24],
    });
  } catch (error) {
    throw told(error);
  }
}

/** Where a full disk is what was the matter, it is said so. */
export function told(error: unknown): unknown {
  if (!(error instanceof CmigError)) return error;
  const words = [error.message, ...(error.tool?.output ?? [])].join('\n');
  if (!/No space left on device|ENOSPC|\(28\)/.test(words)) return error;
  return new CmigError('failed', 'there is no room left on the disk of the host', {
    hint: 'free space, or delete old checkpoints: cmig get checkpoints',
    tool: error.tool,
    cause: error,
  });
}

/**
 * Leaves of a list what is plain. Other names of a listed file are listed too, since rsync would link it to an old copy
 * under one of them. @returns whether anything is left
 */
async function keepPlain(folder: string, listFile: string): Promise<boolean> {
  const listed = (await readFile(listFile, 'latin1')).split('\0').filter(Boolean);
  const plain = new Set(await plainPaths(folder, listed));
  const inodes = new Set<string>();
  for (const path of plain) {
    const { nlink, ino } = await lstat(absolutePath(folder, path)).catch(() => ({ nlink: 1, ino: 0 }));
    if (nlink > 1) inodes.add(String(ino));
  }
  if (inodes.size > 0) for (const path of await namesOf(folder, inodes, `${listFile}.names`)) plain.add(path);
  await writeFile(listFile, Buffer.from([...plain].map((path) => `${path}\0`).join(''), 'latin1'));
  return plain.size > 0;
}

/** Every name of these inodes below the folder. */
async function namesOf(folder: string, inodes: ReadonlySet<string>, scratch: string): Promise<string[]> {
  await runProcess('find', ['.', '-xdev', '-type', 'f', '-links', '+1', '-fprintf', scratch, '%i %P\\0'], {
    cwd: folder,
    allowedExitCodes: [0, 1],
    timeoutMs: 0,
  });
  const entries = (await readFile(scratch, 'latin1')).split('\0').filter(Boolean);
  return entries
    .map((entry) => ({
      inode: entry.slice(0, entry.indexOf(' ')),
      path: entry.slice(entry.indexOf(' ') + 1),
    }))
    .filter(({ inode }) => inodes.has(inode))
    .map(({ path }) => path);
}
