// Changing the contexts file: one cmig at a time, whole or not at all.
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { waitFor } from '../core/retry.ts';
import { type Context, type Contexts, contextsFile, isJson, readContexts } from './contexts.ts';

/** Reads, changes and writes the file while no other cmig does: whole or not at all, readable by its owner only. */
export async function changeContexts(
  change: (contexts: Contexts) => Contexts,
  file = contextsFile(),
): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const lock = `${file}.lock`;
  await waitFor(() => takeLock(lock), { timeoutMs: 10_000, intervalMs: 20, what: `getting hold of ${lock}` });
  const aside = `${file}.${process.pid}`;
  try {
    const { current, contexts } = change(await readContexts(file));
    const value = { ...(current === undefined ? {} : { 'current-context': current }), contexts };
    await writeFile(aside, await written(value, file), { mode: 0o600 });
    await rename(aside, file);
  } finally {
    await rm(aside, { force: true });
    await rm(lock, { recursive: true, force: true });
  }
}

/** Adds or replaces a context; it becomes the current one where that is asked for, or where none is. */
export function putContext(context: Context, { use = false } = {}, file = contextsFile()): Promise<void> {
  return changeContexts(({ current, contexts }) => {
    const others = contexts.filter(({ name }) => name !== context.name);
    const currentExists = contexts.some(({ name }) => name === current);
    return {
      current: use || !currentExists ? context.name : current,
      contexts: [...others, context].sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }, file);
}

/** Removes a context; where it was the current one, none is. Removing what is not there changes nothing. */
export async function removeContext(name: string, file = contextsFile()): Promise<void> {
  const { contexts, current } = await readContexts(file);
  if (current !== name && !contexts.some((context) => context.name === name)) return;
  await changeContexts(
    (now) => ({
      current: now.current === name ? undefined : now.current,
      contexts: now.contexts.filter((context) => context.name !== name),
    }),
    file,
  );
}

/** A file that a person wrote as YAML stays that; any other is JSON. */
async function written(value: object, file: string): Promise<string> {
  const before = await readFile(file, 'utf8').catch(() => '{}');
  if (isJson(before)) return `${JSON.stringify(value, undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(value);
}

/** A folder is made by one process only; one older than any change takes was left by a process that was killed. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const made = await stat(lock).catch(() => undefined);
    if (made && Date.now() - made.mtimeMs > 5000) await rm(lock, { recursive: true, force: true });
    return false;
  }
}
