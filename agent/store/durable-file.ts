// Files that survive a power cut: written aside, flushed, renamed, and the folder flushed too.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';

/** Replaces the file as one step: a reader, or a power cut, sees either the old text or the new one. */
export async function writeFileDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(aside, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true });
    throw new CmigError('failed', `${path} could not be written: ${(cause as Error).message}`, { cause });
  }
  await syncFolder(folder);
}

/**
 * Removes what was being written when power was lost or the agent killed. Our own files lie no deeper than this looks;
 * those of applications do.
 */
export async function removeHalfWritten(dataDirectory: string): Promise<void> {
  const halves = ['-regextype', 'posix-extended', '-regex', '.*\\.[0-9a-f]{8}\\.tmp', '-delete'];
  await runProcess('find', [dataDirectory, '-maxdepth', '3', '-type', 'f', ...halves], { timeoutMs: 60_000 });
}

/** Makes renames, new and removed entries of a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The value in a JSON file, or undefined where there is no such file. @throws CmigError where it is no JSON. */
export async function readJsonFile<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CmigError('failed', `${path} is damaged: it is no JSON`, {
      hint: 'restore it from a backup, or delete what it describes and deploy it again',
      cause,
    });
  }
}
