// Files of variables that a service names under env_file, read by the rules of Compose.
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fieldsOf, itemsOf, textOf } from '../loose.ts';
import { maxManifestBytes } from '../source-files.ts';
import { type Environment, interpolated } from './interpolate.ts';

/** As the Compose file names it -> its text; those that cannot be read are not among them. */
export type EnvFiles = ReadonlyMap<string, string>;

export interface NamedEnvFile {
  path: string;
  required: boolean;
}

/** A path, or several, or `{path, required}`. */
export function envFilesOf(value: unknown): NamedEnvFile[] {
  const items = typeof value === 'string' ? [value] : itemsOf(value);
  return items.flatMap((item) => {
    const path = typeof item === 'string' ? item : textOf(fieldsOf(item).path);
    return path ? [{ path, required: fieldsOf(item).required !== false }] : [];
  });
}

/** Those that the services of a Compose file name, from below its folder or wherever else they are. */
export async function readEnvFiles(compose: unknown, folder: string): Promise<EnvFiles> {
  const files = new Map<string, string>();
  for (const service of Object.values(fieldsOf(fieldsOf(compose).services)))
    for (const { path } of envFilesOf(fieldsOf(service).env_file)) {
      const file = resolve(folder, path);
      const found = await stat(file).catch(() => undefined);
      if (!found?.isFile() || found.size > maxManifestBytes) continue;
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text !== undefined) files.set(path, text);
    }
  return files;
}

/**
 * `NAME=value`, `export NAME="value"`, `NAME: value`; a name alone takes its value from the environment, or is left out.
 * Between single quotes all is meant as it stands; elsewhere `${VARIABLE}` is filled in, from the lines above as well.
 */
export function parseEnvFile(
  text: string,
  env: Environment,
  onUnset: (name: string) => void,
): { name: string; value: string }[] {
  const values = new Map<string, string>();
  const fill = (value: string): string =>
    interpolated(value, { ...Object.fromEntries(values), ...env }, onUnset) as string;
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:[=:][ \t]*(?:(?:'([^']*)'|"((?:[^"\\]|\\[\s\S])*)")[ \t]*(?:#.*)?|([^\r\n]*)))?\r?$/gm;
  for (const [, name = '', literal, quoted, plain] of text.matchAll(line)) {
    if (literal !== undefined) values.set(name, literal);
    else if (quoted !== undefined) values.set(name, fill(quoted).replace(/\\([\s\S])/g, unescaped));
    else if (plain !== undefined) values.set(name, fill(plain.replace(/(^|[ \t])#.*/, '').trim()));
    else if (env[name] !== undefined) values.set(name, env[name]);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

const unescaped = (_whole: string, letter: string): string =>
  ({ n: '\n', r: '\r', t: '\t' })[letter] ?? letter;
