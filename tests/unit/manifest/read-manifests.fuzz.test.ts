// Whatever the text, the answer is manifests or a list of problems, soon.
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { CmigError } from '../../../src/core/errors.ts';
import { readManifests } from '../../../src/manifest/read-manifests.ts';
import { sound, Workspace } from './workspace.ts';

let workspace: Workspace;
let full: string;
beforeAll(async () => {
  workspace = await Workspace.create();
  full = `${sound
    .replaceAll('dir:app', `dir:${workspace.path('app')}`)
    .replace(
      'host: host-a',
      'host: host-a\n  network: &n {address: 10.0.0.9}\n  volumes: [{name: data}]',
    )}      env:
        - {name: A, value: "1"}
      volumes: [{name: data, mountPath: /data, readOnly: true}]
      ready: {http: {port: 80, path: /x}, interval: 1s, timeout: 10s}
      resources: {cpu: 500m, memory: 64Mi, pids: 10}
      capabilities: {add: [NET_ADMIN], drop: [ALL]}
      log: {maxSize: 1Mi, maxFiles: 2}
      stopSignal: SIGINT
      stopTimeout: 1s
      user: 1000:1000
      workingDir: /tmp
  restartPolicy: Never
  migration: {strategy: auto, maxDowntime: 1s}
`;
});
afterAll(() => workspace.remove());

/** How many manifests there are, or the problems; anything else that is thrown is a failure. */
async function verdict(text: string): Promise<number | CmigError> {
  try {
    return (await readManifests('-', { stdin: Readable.from([text]), allowOutside: true })).length;
  } catch (error) {
    if (error instanceof CmigError && error.code === 'invalid') return error;
    throw new Error(`of this text came ${error}`, { cause: error });
  }
}

async function expectProblemsOrManifests(text: string): Promise<void> {
  const found = await verdict(text);
  if (typeof found === 'number') return expect(found).toBeGreaterThan(0);
  const lines = text.split('\n').length;
  const told = (found.problems ?? []).map(({ where, message }) => `${where}: ${message}`);
  expect(told.length).toBeGreaterThan(0);
  expect(new Set(told).size).toBe(told.length);
  for (const { where } of found.problems ?? []) {
    const place = /^stdin(?::(\d+):\d+)?$/.exec(where ?? '');
    expect(place).not.toBeNull();
    expect(Number(place?.[1] ?? 1)).toBeLessThanOrEqual(lines);
  }
}

const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    ': ',
    '- ',
    '\n',
    '\t',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*a',
    '*n',
    '<<: *n',
    '!!set ',
    '|',
    '>',
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
    '\0',
    '\r',
    '\ufeff',
  ),
);

describe('any text', () => {
  it('the manifest that is changed below is sound', async () => {
    expect(await verdict(full)).toBe(1);
  });

  it('of YAML’s own characters', async () => {
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
    await fc.assert(fc.asyncProperty(text, expectProblemsOrManifests), { numRuns: 150 });
  });

  it('a manifest with a few characters put in or cut out', async () => {
    const edits = fc.array(fc.tuple(fc.nat(1500), fc.nat(20), piece), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(edits, async (changes) => {
      let text = full;
      for (const [at, cut, put] of changes)
        text = text.slice(0, at % text.length) + put + text.slice((at % text.length) + cut);
      await expectProblemsOrManifests(text);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('a manifest with one value in place of another one', async () => {
    const property = fc.asyncProperty(fc.nat(), fc.json({ maxDepth: 2 }), async (which, json) => {
      const document: unknown = parse(full);
      const places: [Record<string, unknown>, string][] = [];
      const walk = (value: unknown): void => {
        if (typeof value !== 'object' || value === null) return;
        for (const key of Object.keys(value)) {
          places.push([value as Record<string, unknown>, key]);
          walk((value as Record<string, unknown>)[key]);
        }
      };
      walk(document);
      const [parent, key] = places[which % places.length]!;
      parent[key] = JSON.parse(json);
      await expectProblemsOrManifests(stringify(document));
    });
    await fc.assert(property, { numRuns: 150 });
  });
});
