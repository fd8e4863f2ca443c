// The contexts file as YAML: every mistake with its place.
import { LineCounter, parseDocument } from 'yaml';
import type { Problem } from '../contract/fault.ts';
import { CmigError } from '../core/errors.ts';
import { checkContexts, type Path } from './check-contexts.ts';
import type { Contexts } from './contexts.ts';

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
    problems.length === 0 ? checkContexts(document.toJS({ maxAliasCount: 10 }), file, report) : undefined;
  if (contexts) return contexts;
  throw new CmigError('invalid', `the contexts file ${file} is wrong`, {
    problems,
    hint: 'correct it, or remove it and add the contexts again',
  });
}
