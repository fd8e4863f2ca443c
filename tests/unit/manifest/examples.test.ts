// Every example in manifests/ is sound, and names the schema it is written by.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readManifests } from '../../../src/manifest/read-manifests.ts';
import { Workspace } from './workspace.ts';

const manifests = join(import.meta.dirname, '../../../manifests');
const examples = (await readdir(manifests)).filter((name) => name.endsWith('.yaml'));

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create();
  for (const name of examples) {
    const text = await readFile(join(manifests, name), 'utf8');
    await workspace.write(`examples/${name}`, text);
    // Building the true images takes minutes and is part of the end-to-end tests.
    for (const [, image] of text.matchAll(/image: dir:(\S+)/g)) {
      await workspace.write(`examples/${image}/bin/sh`, '');
    }
  }
});
afterAll(() => workspace.remove());

describe('examples', () => {
  it('are sound, together', async () => {
    const loaded = await readManifests(workspace.path('examples'));
    expect(loaded).toHaveLength(examples.length);
    expect(loaded.length).toBeGreaterThanOrEqual(7);
  });

  it.each(examples)('%s is named for its application', async (name) => {
    const [loaded] = await readManifests(workspace.path(`examples/${name}`));
    expect(`${loaded?.manifest.metadata.name}.yaml`).toBe(name);
  });

  it.each(examples.filter((name) => name !== 'shop.yaml'))('%s tells editors its schema', async (name) => {
    const text = await readFile(join(manifests, name), 'utf8');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./application.schema.json');
  });
});
