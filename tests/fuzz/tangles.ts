// Texts as large as a manifest may be, made so that something takes its time: a parser, a pattern, a search.
import { maxManifestBytes } from '../../src/manifest/source-files.ts';

const head = 'apiVersion: cmig.dev/v1\nkind: Application\nmetadata: {name: tangle}\nspec:\n  host: host-a\n';
const container = '  containers:\n    - name: a\n      image: dir:a\n      command: [a]\n';
const room = maxManifestBytes - 1000;

/** `unit` again and again, up to the size. */
function filled(unit: string | ((index: number) => string), before = '', after = ''): string {
  const parts = [before];
  let size = before.length + after.length;
  for (let index = 0; ; index += 1) {
    const part = typeof unit === 'string' ? unit : unit(index);
    size += Buffer.byteLength(part);
    if (size > room) return [...parts, after].join('');
    parts.push(part);
  }
}

/** A manifest in which one field of its container is this text. */
const field = (name: string, text: string): string => `${head}${container}      ${name}: ${text}\n`;
const inContainers = (unit: (index: number) => string): string => filled(unit, `${head}  containers:\n`);
const containerNamed = (name: string, needs: string): string =>
  `    - {name: ${name}, image: dir:a, command: [a], dependsOn: [${needs}]}\n`;

const repeated = (unit: string): string => filled(unit).slice(0, room - 400);

/** Of one thing, again and again. */
const units = [
  ...[
    '[',
    ']',
    '{',
    '}',
    '{}',
    '[]',
    '[\n',
    '{a: ',
    '- ',
    '? ',
    '"',
    "'",
    ': ',
    ':',
    ',',
    '*',
    '&',
    '&a ',
    '!',
    '!!str ',
  ],
  ...[
    '|\n',
    '- |\n a\n',
    '>\n',
    '---\n',
    '---\na: 1\n',
    '---\nkind: Application\n',
    '...\n',
    '%YAML 1.2\n',
    '#',
    '#\n',
  ],
  ...[
    '\t',
    '\n',
    '\r\n',
    ' ',
    'a: 1\n',
    '? a\n',
    '? {a: b}\n: c\n',
    'a: - b\n',
    '- !x a\n',
    '\\',
    '\x01',
    '\ufeff',
    '\u0085',
  ],
  ...['%TAG ! tag:a,2000:\n', '😀', 'a', '1 ', '<<: *x\n'],
];

export const tangles: Record<string, string> = {
  ...Object.fromEntries(units.map((unit) => [`${JSON.stringify(unit)} repeated`, filled(unit)])),
  'commas in a list': filled(',', '['),
  'pairs in a mapping': filled('a: 1,', '{', '}'),
  keys: filled((index) => `k${index}: 1\n`),
  'unknown keys of spec': filled((index) => `  k${index}: 1\n`, head),
  'misspelt keys': filled((index) => `      imaeg${index}: 1\n`, `${head}  containers:\n    - name: a\n`),
  anchors: filled((index) => `a${index}: &x${index} 1\n`),
  aliases: filled((index) => `a${index}: *x\n`, 'x: &x 1\n'),
  'aliases of aliases': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij']
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`)
    .join('\n')}`,
  'merges of a large mapping': filled(
    '  - <<: *x\n',
    `x: &x {${Array.from({ length: 300 }, (_, index) => `k${index}: 1`).join(',')}}\ny:\n`,
  ),
  'ever deeper': Array.from({ length: 700 }, (_, index) => `${' '.repeat(index)}a:\n`).join(''),
  'a circle of containers': inContainers((index) => containerNamed(`c${index}`, `c${index + 1}, c0`)),
  'containers that need themselves': inContainers((index) => containerNamed(`c${index}`, `c${index}`)),
  'containers that need unknown ones': inContainers((index) => containerNamed(`c${index}`, `x${index}`)),
  'long names that nearly match': Array.from({ length: 60 }, (_, index) =>
    containerNamed(`${'c'.repeat(2000)}${index}`, `${'d'.repeat(2000)}${index}`),
  ).reduce((text, each) => text + each, `${head}  containers:\n`),
  'many needs': filled((index) => `        - x${index}\n`, `${head}${container}      dependsOn:\n`),
  'mounts of unknown volumes': filled(
    (index) => `        - {name: v${index}, mountPath: /a}\n`,
    `${head}  volumes: [${Array.from({ length: 5000 }, (_, index) => `{name: w${index}}`).join(',')}]\n${container}      volumes:\n`,
  ),
  'one variable again and again': filled(
    '        - {name: A, value: x}\n',
    `${head}${container}      env:\n`,
  ),
  'many applications': filled((index) => `---\n${head.replace('tangle', `a${index}`)}${container}`),
  'one application again and again': filled(`---\n${head}${container}`),
  'many kinds': filled((index) => `---\napiVersion: v${index}\nkind: K${index}\n`),
  'many labels': filled(
    (index) => `    k${index}: 1\n`,
    'apiVersion: cmig.dev/v1\nkind: Application\nmetadata:\n  name: a\n  labels:\n',
  ),
  'a long name': head.replace('tangle', `"${repeated('a-')}"`),
  'a name of hyphens': head.replace('tangle', `"${repeated('-')}"`),
  'a long path': field('workingDir', `${repeated('/a')}/..`),
  'a path of dots': field('workingDir', `/${repeated('.')}`),
  'a path of points': field('workingDir', repeated('/.')),
  'a long duration': field('stopTimeout', `"${repeated('1')}"`),
  'a duration of units': field('stopTimeout', `"${repeated('1m')}"`),
  'a long size': field('resources', `{memory: "${repeated('1')}x"}`),
  'a long image': field('ready', `{exec: [${repeated('a, ')}]}`),
  'an image of slashes': head + container.replace('dir:a', `${repeated('a/')}:@`),
  'a long signal': field('stopSignal', repeated('sig')),
  'a long address': `${head}  network: {address: ${repeated('1.')}}\n`,
  'a long number': `x: ${repeated('9')}`,
  'a long hexadecimal number': `x: 0x${repeated('f')}`,
  'a command as text': head + container.replace('[a]', repeated('a b ')),
};
