// The contexts file: the brokers that cmig knows by name, and which of them is the current one.
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { waitFor } from '../core/retry.ts';
import { checkContexts } from './check-contexts.ts';

export interface Context {
  name: string;
  broker: {
    /** amqp:// or amqps://, without user and password. */
    url: string;
    /** Absolute; one line user:password. */
    credentialsFile?: string;
  };
}

export interface Contexts {
  /** The name of the current one; it need not exist. */
  current: string | undefined;
  contexts: Context[];
}

const noContextHint = 'start a lab with "cmig lab up", or name a broker with "cmig config set-context"';

/** CMIG_CONFIG, or cmig/config.yaml below XDG_CONFIG_HOME or ~/.config. */
export function contextsFile(env: NodeJS.ProcessEnv = process.env): string {
  if (env.CMIG_CONFIG) return resolve(env.CMIG_CONFIG);
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'cmig', 'config.yaml');
}

/** No file is no context. @throws CmigError `invalid` with file:line:column of every mistake in the file */
export async function readContexts(file = contextsFile()): Promise<Contexts> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { current: undefined, contexts: [] };
    throw new CmigError('failed', `the contexts file ${file} cannot be read`, { cause });
  }
  // JSON is YAML too, and read in a tenth of the time that loading a YAML parser takes.
  const plain = isJson(text) ? checkContexts(JSON.parse(text), file, () => {}) : undefined;
  if (plain) return plain;
  const { parseContexts } = await import('./parse-contexts.ts');
  return parseContexts(text, file);
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/**
 * The context of that name, or the current one.
 * @throws CmigError `not-found` with near names, or with what to do where there is none at all
 */
export async function resolveContext(name: string | undefined, file = contextsFile()): Promise<Context> {
  const { current, contexts } = await readContexts(file);
  const wanted = name ?? current;
  if (wanted === undefined) {
    if (contexts.length === 0) {
      throw new CmigError('not-found', `there is no context in ${file}`, { hint: noContextHint });
    }
    throw new CmigError('not-found', 'no context is the current one', {
      hint: `choose one with "cmig config use-context": ${contexts.map((each) => each.name).join(', ')}`,
    });
  }
  return findContext(contexts, wanted, file);
}

/** @throws CmigError `not-found` with near names */
export function findContext(contexts: readonly Context[], name: string, file: string): Context {
  const found = contexts.find((context) => context.name === name);
  if (found) return found;
  const names = contexts.map((context) => context.name);
  throw new CmigError('not-found', `there is no context "${name}" in ${file}`, {
    hint: didYouMean(name, names) ?? (names.length > 0 ? `there are: ${names.join(', ')}` : noContextHint),
  });
}

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
