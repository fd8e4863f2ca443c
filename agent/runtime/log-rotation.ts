// Rotates containers' logs when they have grown: renames them and tells conmon to begin a new file.
import { rename, rm, stat } from 'node:fs/promises';

export interface RotatedLog {
  file: string;
  maxBytes: number;
  /** Rotated files kept. */
  maxFiles: number;
  /** Tells the writer to open `file` anew. */
  reopen: () => Promise<void>;
}

/** @returns whether it was rotated */
export async function rotateIfLarge(log: RotatedLog): Promise<boolean> {
  const size = (await stat(log.file).catch(() => undefined))?.size;
  if (size === undefined) {
    // An agent that was killed between renaming and telling.
    if (await stat(`${log.file}.1`).catch(() => undefined)) await log.reopen();
    return false;
  }
  if (size < log.maxBytes) return false;
  await rm(`${log.file}.${log.maxFiles}`, { force: true });
  for (let number = log.maxFiles - 1; number >= 1; number--)
    await rename(`${log.file}.${number}`, `${log.file}.${number + 1}`).catch(ifThere);
  await rename(log.file, `${log.file}.1`);
  await log.reopen();
  return true;
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
