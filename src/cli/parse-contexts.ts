// The text of the contexts file, checked: every mistake with its place.
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type { Problem } from '../contract/fault.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import type { Context, Contexts } from './contexts.ts';

type Path = (string | number)[];

/** @throws CmigError `invalid` with file:line:column of every mistake */
export function parseContexts(text: string, file: string): Contexts {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: Problem[] = [];
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const report = (path: Path, message: string, hint?: string): void => {
    let node: unknown;
    for (let length = path.length; length >= 0 && !node; length--)
      node = document.getIn(path.slice(0, length), true);
    const offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? 0;
    problems.push({ where: placeOf(offset), message, ...(hint ? { hint } : {}) });
  };
  for (const error of document.errors)
    problems.push({ where: placeOf(error.pos[0]), message: error.message.split('\n')[0]! });
  const contexts =
    problems.length === 0 ? checked(document.toJS({ maxAliasCount: 10 }), file, report) : undefined;
  if (contexts && problems.length === 0) return contexts;
  throw new CmigError('invalid', `the contexts file ${file} is wrong`, {
    problems,
    hint: 'correct it, or remove it and add the contexts again',
  });
}

function checked(
  value: unknown,
  file: string,
  report: (path: Path, message: string, hint?: string) => void,
): Contexts {
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
  if (!root) return result;
  if (root['current-context'] !== undefined)
    result.current = text(['current-context'], root['current-context']);
  const list = root.contexts ?? [];
  if (!Array.isArray(list)) {
    report(['contexts'], 'contexts must be a list');
    return result;
  }
  for (const [index, entry] of list.entries()) {
    const context = object(['contexts', index], entry, ['name', 'broker']);
    if (!context) continue;
    const name = text(['contexts', index, 'name'], context.name);
    if (result.contexts.some((other) => other.name === name))
      report(['contexts', index, 'name'], `there are two contexts "${name}"`);
    const broker = object(['contexts', index, 'broker'], context.broker, ['url', 'credentialsFile']);
    if (!broker) continue;
    const url = text(['contexts', index, 'broker', 'url'], broker.url);
    const made: Context = { name: name ?? '', broker: { url: url ?? '' } };
    if (broker.credentialsFile !== undefined) {
      const credentials = text(['contexts', index, 'broker', 'credentialsFile'], broker.credentialsFile);
      made.broker.credentialsFile = resolve(dirname(file), credentials ?? '');
    }
    result.contexts.push(made);
  }
  return result;
}
