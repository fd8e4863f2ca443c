// The published JSON Schema of a manifest, for editors and other tools.
import { ApplicationManifest } from '../contract/application.ts';
import { apiVersion } from '../contract/protocol.ts';

/** The very schema that manifests are checked by, with the name it is published under. */
export function applicationJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: `https://${apiVersion}/application.schema.json`,
    title: 'cmig Application',
    // TypeBox keeps notes of its own in symbols, which JSON leaves out.
    ...(JSON.parse(JSON.stringify(ApplicationManifest)) as object),
  };
}

/** As it stands in manifests/application.schema.json. */
export const applicationSchemaText = (): string => `${JSON.stringify(applicationJsonSchema(), null, 2)}\n`;
