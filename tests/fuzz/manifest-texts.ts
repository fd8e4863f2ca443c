// Texts that are nearly manifests: the examples with something changed, and YAML's own characters in any order.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { root } from '../e2e/settings.ts';
import { hostileJson, hostileString } from './hostile-values.ts';

const folder = join(root, 'manifests');
export const examples: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(folder, name), 'utf8'));

const piece = fc.oneof(
  fc.constantFrom(
    ': ',
    '- ',
    '\n',
    '\n  ',
    '\t',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*a',
    '<<: *a',
    '!!set ',
    '!!binary ',
  ),
  fc.constantFrom(
    '|\n',
    '>-\n',
    '---\n',
    '...\n',
    '%',
    '#',
    '__proto__: ',
    '? ',
    '~',
    '0x1',
    '1e999',
    '.nan',
    '.inf',
    '2020-01-01',
  ),
  fc.constantFrom('\0', '\r', '\ufeff', 'yes', 'null', 'true', '0o17', '1_000', 'x'.repeat(300)),
  fc.string({ unit: 'binary', maxLength: 8 }),
  hostileString,
);
const example = fc.constantFrom(...examples);

const edited = fc
  .tuple(example, fc.array(fc.tuple(fc.nat(), fc.nat(20), piece), { minLength: 1, maxLength: 4 }))
  .map(([text, edits]) =>
    edits.reduce((changed, [at, cut, put]) => {
      const place = at % Math.max(changed.length, 1);
      return changed.slice(0, place) + put + changed.slice(place + cut);
    }, text),
  );

/** Lines left out, given twice, moved to the right, or taken from another example. */
const relined = fc
  .tuple(example, example, fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(4)), { minLength: 1, maxLength: 4 }))
  .map(([text, other, changes]) => {
    const lines = text.split('\n');
    const others = other.split('\n');
    for (const [at, from, action] of changes) {
      const place = at % lines.length;
      const line = lines[place] ?? '';
      const put = [
        [],
        [line, line],
        [`  ${line}`],
        [line, others[from % others.length] ?? ''],
        [line.trimStart()],
      ][action]!;
      lines.splice(place, 1, ...put);
    }
    return lines.join('\n');
  });

/** One value in place of another, in a document that is YAML in every case. */
const revalued = fc
  .tuple(example, fc.nat(), hostileJson, fc.nat(2), hostileString)
  .map(([text, which, value, action, name]) => {
    const document: unknown = parseAllDocuments(text)[0]!.toJS();
    const places: [Record<string, unknown>, string][] = [];
    const walk = (each: unknown): void => {
      if (typeof each !== 'object' || each === null) return;
      for (const key of Object.keys(each)) {
        places.push([each as Record<string, unknown>, key]);
        walk((each as Record<string, unknown>)[key]);
      }
    };
    walk(document);
    const [parent, key] = places[which % places.length]!;
    if (action === 0) parent[key] = value;
    else if (action === 1) delete parent[key];
    else if (Array.isArray(parent)) parent.push(value);
    else Object.assign(parent, { [name]: value });
    return which % 2 === 0 ? JSON.stringify(document) : stringify(document);
  });

const characters = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const bytes = fc.uint8Array({ maxLength: 300 });

export const manifestText: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: edited },
  { weight: 4, arbitrary: relined },
  { weight: 5, arbitrary: revalued },
  { weight: 4, arbitrary: characters },
  { weight: 1, arbitrary: bytes },
);
