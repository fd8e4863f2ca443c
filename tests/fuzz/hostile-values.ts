// Values that have broken programs before: paths that lead elsewhere, text that a shell or a terminal would act on,
// numbers at the edges, names that objects have by themselves.
import fc from 'fast-check';

/** Where one of these is run instead of read, it leaves this file. */
export const canary = '/tmp/fuzz-canary';

const nasty = [
  '',
  ' ',
  '.',
  '..',
  '../../../../etc/passwd',
  '/etc/shadow',
  '/proc/self/mem',
  'images/../../x',
  '%2e%2e%2f',
  '-rf',
  '--help',
  '~root',
  '*',
  '\0',
  'a\0b',
  '\n',
  '\r\n',
  `$(touch ${canary})`,
  `\`touch ${canary}\``,
  `; touch ${canary}`,
  `'; touch ${canary}; '`,
  `\nnetns exec cmig-wanderer touch ${canary}\n`,
  `10.0.0.9/16 dev eth0\nnetns exec cmig-wanderer touch ${canary}\n`,
  '\u001b[2J\u001b]0;x\u0007',
  '\ud800',
  '\udfff\ud800',
  '\ufeff',
  '𝕏😀é́',
  '\u202Egnp.exe',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'NaN',
  'null',
  'undefined',
  '1e999',
  '%s%n%x',
  '{{7*7}}',
  '<script>',
  "' OR 1=1 --",
];

const long = fc
  .tuple(fc.constantFrom('x', '../', 'é', '\0', '"', '[', '😀', 'a-'), fc.constantFrom(100, 1000, 20_000))
  .map(([unit, count]) => unit.repeat(count));

export const hostileString: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(...nasty) },
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: long },
);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(
    0,
    -0,
    -1,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53 + 2,
    -(2 ** 53),
    1e21,
    1e308,
    -1e308,
    5e-324,
  ),
);

/** An object of these entries, `__proto__` among them where it is named. */
export function objectOf(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  return object;
}

/** Anything that JSON can say. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    hostileString,
    hostileNumber,
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(hostileString, tie('value')), { maxLength: 3 }).map((entries) => objectOf(entries)),
  ),
})).value;

/** Text of JSON that is nested so deeply that whoever recurses dies of it. */
export const deepJson = {
  arrays: (depth: number): string => '['.repeat(depth) + ']'.repeat(depth),
  objects: (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
};
