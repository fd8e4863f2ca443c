// The published schema is the one that manifests are checked by.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { applicationSchemaText } from '../../../src/manifest/json-schema.ts';
import { patternWords } from '../../../src/manifest/pattern-words.ts';
import { manifestSchema, schemaPlaces } from '../../../src/manifest/schema-node.ts';

describe('the schema', () => {
  it('stands in manifests/ as it is (else run: node src/manifest/write-schema.ts)', async () => {
    const file = join(import.meta.dirname, '../../../manifests/application.schema.json');
    expect(await readFile(file, 'utf8')).toBe(applicationSchemaText());
  });

  it('has words for each of its patterns', () => {
    const without = [...schemaPlaces(manifestSchema)].filter(
      ({ node }) => node.pattern !== undefined && !patternWords.has(node.pattern),
    );
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  it('describes every field that a user writes', () => {
    const without = [...schemaPlaces(manifestSchema)].filter(
      ({ path, node }) => node.description === undefined && !path.endsWith('[]') && !path.endsWith('.*'),
    );
    expect(without.map(({ path }) => path)).toEqual([]);
  });
});
