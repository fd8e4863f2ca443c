// The contexts file: the brokers that cmig knows by name, and which of them is the current one.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { checkContexts } from './check-contexts.ts';

export interface Context {
  name: string;
  broker: {
    /** amqp:// or amqps://, without user and password. */
    url: string;
    /** Absolute, as all paths here; one line user:password. */
    credentialsFile?: string;
    /** Who one is by certificate: all three or none. */
    caFile?: string;
    certificateFile?: string;
    keyFile?: string;
    /** A broker on another machine may be spoken to without TLS: its network is ours alone. */
    insecure?: boolean;
  };
}

/** The keys of a context's broker that name a file. */
export const fileKeys = ['credentialsFile', 'caFile', 'certificateFile', 'keyFile'] as const;

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
    // Node's promises for files take longer to load than this takes.
    text = readFileSync(file, 'utf8');
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

/** Whether a program wrote it, and not a person. */
export const isJson = (text: string): boolean => {
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
