// Whatever the text, the answer is manifests or a list of problems, soon.
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CmigError } from '../../../src/core/errors.ts';
import { readManifests } from '../../../src/manifest/read-manifests.ts';
import { manifestTexts } from '../../fuzz/manifest-texts.ts';
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

describe('any text', () => {
  it('the manifest that is changed below is sound', async () => {
    expect(await verdict(full)).toBe(1);
  });

  it.each([
    ['of YAML’s own characters', 'characters'],
    ['a manifest with a few characters put in or cut out', 'edited'],
    ['a manifest with lines left out, doubled or moved', 'relined'],
    ['a manifest with one value in place of another one', 'revalued'],
  ] as const)('%s', async (_, kind) => {
    const texts = manifestTexts([full])[kind];
    await fc.assert(fc.asyncProperty(texts, expectProblemsOrManifests), { numRuns: 150 });
  });
});
