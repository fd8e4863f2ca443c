// Writes manifests/application.schema.json: `node src/manifest/write-schema.ts`, after every change of the schema.
import { writeFile } from 'node:fs/promises';
import { applicationSchemaText } from './json-schema.ts';

await writeFile(new URL('../../manifests/application.schema.json', import.meta.url), applicationSchemaText());
