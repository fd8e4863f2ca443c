// Paths into a resource as kubectl's users write them (`.metadata.name`), evaluated as RFC 9535 has it. The library knows
// no eval and names the place of a mistake.
import { JSONPathError, type JSONValue, jsonpath } from 'json-p3';
import { CmigError } from '../../core/errors.ts';

/** The values that a path leads to; none where there is nothing. */
export type Path = (value: unknown) => unknown[];

/** Where a path stands, for what is said of a mistake in it. */
export interface PathPlace {
  /** What takes it, such as `--sort-by`. */
  what: string;
  /** All that was given. */
  text: string;
  /** Where in it the path begins. */
  from: number;
}

/**
 * @param path `.metadata.name`, `metadata.name`, `$.metadata.name` or `{.metadata.name}`
 * @throws CmigError `invalid` with the place of the mistake
 */
export function compilePath(path: string, place: PathPlace): Path {
  const braced = /^\{(.*)\}$/s.exec(path);
  if (braced) return compilePath(braced[1]!, { ...place, from: place.from + 1 });
  const { query, sourceOf } = inRfcWords(path);
  try {
    const compiled = jsonpath.compile(query);
    return (value) => compiled.query(value as JSONValue).values();
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    const said = error.message.replace(/ \('.*':\d+\)$/s, '');
    throw notUnderstood(said, { ...place, from: place.from + sourceOf(error.token.index) });
  }
}

/** The mistake at `place.from`. Places are counted from one, as editors do. */
export const notUnderstood = (said: string, { what, text, from }: PathPlace): CmigError =>
  new CmigError('invalid', `${what}: ${said}, at character ${from + 1} of ${JSON.stringify(text)}`, {
    hint: 'paths are written as .metadata.name, .items[*].status.host or .spec.containers[?(@.name=="web")].image',
  });

/** Strings, which stay as they are, and names: `labels.cmig\.dev/zone` is `labels['cmig.dev/zone']`. */
const words = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(\.{1,2})((?:[\w-]|\\.)(?:[\w/-]|\\.)*)/gs;

function inRfcWords(path: string): { query: string; sourceOf: (index: number) => number } {
  const start = /^[$@]/.test(path) ? '' : /^[.[]/.test(path) || path === '' ? '$' : '$.';
  // `@` stands for what a template is about just now, which is what a path is given.
  const whole = start + path.replace(/^@/, '$');
  const starts: { at: number; source: number }[] = [{ at: 0, source: -start.length }];
  let query = '';
  let done = 0;
  for (const match of whole.matchAll(words)) {
    const [word, dots, name] = match;
    query += whole.slice(done, match.index);
    done = match.index + word.length;
    starts.push({ at: query.length, source: match.index - start.length });
    const key = name?.replace(/\\(.)/gs, '$1');
    const plain = key === undefined || /^[A-Za-z_][\w-]*$/.test(key);
    query += plain ? word : `${dots === '..' ? '..' : ''}['${key.replace(/['\\]/g, '\\$&')}']`;
    starts.push({ at: query.length, source: done - start.length });
  }
  query += whole.slice(done);
  const sourceOf = (index: number): number => {
    const last = starts.findLast(({ at }) => at <= index)!;
    return Math.min(path.length, Math.max(0, last.source + index - last.at));
  };
  return { query, sourceOf };
}
