// What the contexts file must be made of.
import { dirname, resolve } from 'node:path';
import { didYouMean } from '../core/near-names.ts';
import { type Context, type Contexts, fileKeys } from './contexts.ts';

export type Path = (string | number)[];

/** The contexts that `value` describes, or undefined after at least one mistake was reported. */
export function checkContexts(
  value: unknown,
  file: string,
  onMistake: (path: Path, message: string, hint?: string) => void,
): Contexts | undefined {
  let mistakes = 0;
  const report: typeof onMistake = (path, message, hint) => {
    mistakes += 1;
    onMistake(path, message, hint);
  };
  const result: Contexts = { current: undefined, contexts: [] };
  if (value === null || value === undefined) return result;
  const object = (path: Path, of: unknown, keys: readonly string[]): Record<string, unknown> | undefined => {
    if (typeof of !== 'object' || of === null || Array.isArray(of)) {
      report(path, `${path.join('.') || 'the file'} must be a mapping`);
      return undefined;
    }
    for (const key of Object.keys(of))
      if (!keys.includes(key)) report([...path, key], `unknown key "${key}"`, didYouMean(key, keys));
    return of as Record<string, unknown>;
  };
  const text = (path: Path, of: unknown): string | undefined => {
    if (typeof of === 'string' && of !== '') return of;
    report(path, of === undefined ? `${path.join('.')} is missing` : `${path.join('.')} must be a text`);
    return undefined;
  };
  const root = object([], value, ['current-context', 'contexts']);
  if (!root) return undefined;
  if (root['current-context'] !== undefined)
    result.current = text(['current-context'], root['current-context']);
  const list = root.contexts ?? [];
  if (!Array.isArray(list)) {
    report(['contexts'], 'contexts must be a list');
    return undefined;
  }
  for (const [index, entry] of list.entries()) {
    const context = object(['contexts', index], entry, ['name', 'broker']);
    if (!context) continue;
    const name = text(['contexts', index, 'name'], context.name);
    if (result.contexts.some((other) => other.name === name))
      report(['contexts', index, 'name'], `there are two contexts "${name}"`);
    const broker = object(['contexts', index, 'broker'], context.broker, ['url', ...fileKeys, 'insecure']);
    if (!broker) continue;
    const url = text(['contexts', index, 'broker', 'url'], broker.url);
    const made: Context = { name: name ?? '', broker: { url: url ?? '' } };
    for (const key of fileKeys) {
      if (broker[key] === undefined) continue;
      made.broker[key] = resolve(dirname(file), text(['contexts', index, 'broker', key], broker[key]) ?? '');
    }
    if (broker.insecure !== undefined) {
      if (typeof broker.insecure === 'boolean') made.broker.insecure = broker.insecure;
      else report(['contexts', index, 'broker', 'insecure'], 'insecure must be true or false');
    }
    const { caFile, certificateFile, keyFile } = made.broker;
    const given = [caFile, certificateFile, keyFile].filter((each) => each !== undefined).length;
    if (given % 3 !== 0)
      report(
        ['contexts', index, 'broker'],
        'caFile, certificateFile and keyFile go together: give all three',
      );
    result.contexts.push(made);
  }
  return mistakes === 0 ? result : undefined;
}
