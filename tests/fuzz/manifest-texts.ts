// Texts that are nearly manifests: sound ones with something changed, and YAML's own characters in any order.
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { hostileJson, hostileString } from './hostile-values.ts';

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
const characters = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

export interface ManifestTexts {
  characters: fc.Arbitrary<string>;
  /** A few characters put in or cut out. */
  edited: fc.Arbitrary<string>;
  /** Lines left out, given twice, moved to the right, or taken from another one. */
  relined: fc.Arbitrary<string>;
  /** One value in place of another, in a document that is YAML in every case. */
  revalued: fc.Arbitrary<string>;
}

/** @param sound manifests to begin with */
export function manifestTexts(sound: readonly string[]): ManifestTexts {
  const example = fc.constantFrom(...sound);
  return { characters, edited: edited(example), relined: relined(example), revalued: revalued(example) };
}

const edited = (example: fc.Arbitrary<string>) =>
  fc
    .tuple(example, fc.array(fc.tuple(fc.nat(), fc.nat(20), piece), { minLength: 1, maxLength: 4 }))
    .map(([text, edits]) =>
      edits.reduce((changed, [at, cut, put]) => {
        const place = at % Math.max(changed.length, 1);
        return changed.slice(0, place) + put + changed.slice(place + cut);
      }, text),
    );

const relined = (example: fc.Arbitrary<string>) =>
  fc
    .tuple(
      example,
      example,
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(4)), { minLength: 1, maxLength: 4 }),
    )
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

const revalued = (example: fc.Arbitrary<string>) =>
  fc
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
