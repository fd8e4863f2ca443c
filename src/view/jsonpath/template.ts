// `-o jsonpath=TEMPLATE`, as kubectl has it: text, paths in braces, quoted texts, {range}…{end}.
import { compilePath, notUnderstood, type Path } from './path.ts';

type Part =
  | { text: string }
  | { path: Path; fromRoot: boolean }
  | { path: Path; fromRoot: boolean; parts: Part[] };

const what = '-o jsonpath';

/**
 * The text that a template makes of a value. Several values of a path are joined by blanks, objects are printed as JSON,
 * and what is not there is nothing.
 * @throws CmigError `invalid` with the place of the mistake
 */
export function compileTemplate(template: string): (value: unknown) => string {
  // Who writes only a path means it.
  const text = /^[.$[]/.test(template) && !template.includes('{') ? `{${template}}` : template;
  const parts = parse(text);
  return (value) => render(parts, value, value);
}

function render(parts: readonly Part[], root: unknown, current: unknown): string {
  return parts
    .map((part) => {
      if ('text' in part) return part.text;
      const values = part.path(part.fromRoot ? root : current);
      if ('parts' in part) return values.map((value) => render(part.parts, root, value)).join('');
      return values.map(textOf).join(' ');
    })
    .join('');
}

/** A value as people read it: texts bare, what has parts as JSON. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);

function parse(text: string): Part[] {
  const fail = (said: string, from: number) => notUnderstood(said, { what, text, from });
  const all: Part[] = [];
  const open: { parts: Part[]; from: number }[] = [{ parts: all, from: 0 }];
  let at = 0;
  while (at < text.length) {
    const { parts } = open.at(-1)!;
    const brace = text.indexOf('{', at);
    const bare = text.slice(at, brace < 0 ? text.length : brace);
    if (bare) parts.push({ text: bare });
    if (brace < 0) break;
    const end = closingBrace(text, brace);
    if (end === undefined) throw fail('"{" is not closed', brace);
    const inner = text.slice(brace + 1, end);
    const from = brace + 1 + (inner.length - inner.trimStart().length);
    const word = inner.trim();
    at = end + 1;
    const range = /^range\s+/.exec(word);
    if (word === 'end') {
      if (open.length === 1) throw fail('{end} has no {range} before it', brace);
      open.pop();
    } else if (range) {
      const path = word.slice(range[0].length);
      const within: Part[] = [];
      parts.push({ ...partOf(path, text, from + range[0].length), parts: within });
      open.push({ parts: within, from: brace });
    } else if (/^(["']).*\1$/s.test(word)) {
      parts.push({ text: unquoted(word) });
    } else if (word === '') {
      throw fail('there is nothing in the braces', brace);
    } else {
      parts.push(partOf(word, text, from));
    }
  }
  if (open.length > 1) throw fail('{range} has no {end}', open.at(-1)!.from);
  return all;
}

const partOf = (path: string, text: string, from: number): { path: Path; fromRoot: boolean } => ({
  path: compilePath(path, { what, text, from }),
  fromRoot: path.startsWith('$'),
});

/** Where the brace at `start` is closed: those within quotes do not count. */
function closingBrace(text: string, start: number): number | undefined {
  let quote: string | undefined;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === '\\') at += 1;
    else if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '}') return at;
  }
  return undefined;
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

const unquoted = (word: string): string =>
  word.slice(1, -1).replace(/\\(.)/gs, (_, character: string) => escapes[character] ?? character);
