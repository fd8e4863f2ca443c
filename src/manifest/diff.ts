// How two states of an application differ, as `kubectl diff` shows it.
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { manifestSchema, type SchemaNode } from './schema-node.ts';

/**
 * The unified diff of two applications as YAML; empty where they are equal.
 * @param before undefined where there was nothing: then every line is new
 */
export function diffYaml(
  name: string,
  before: { metadata: unknown; spec: unknown } | undefined,
  after: { metadata: unknown; spec: unknown },
): string {
  const old = before ? yamlOf(before) : '';
  const wanted = yamlOf(after);
  if (old === wanted) return '';
  const patch = createTwoFilesPatch(
    before ? `running/${name}` : '/dev/null',
    `wanted/${name}`,
    old,
    wanted,
    '',
    '',
    { context: 3 },
  );
  // The library puts a line of "=" on top, which neither diff(1) nor kubectl does.
  return patch.replace(/^=+\n/, '');
}

function yamlOf(application: { metadata: unknown; spec: unknown }): string {
  const { metadata, spec } = application;
  return stringify(ordered({ metadata, spec }, manifestSchema), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

/** Keys in the order of the schema, whatever order they were written in; free keys by name; nothing that is empty. */
function ordered(value: unknown, schema: SchemaNode | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item, schema?.items));
  if (typeof value !== 'object' || value === null) return value;
  const rank = new Map(Object.keys(schema?.properties ?? {}).map((key, index) => [key, index]));
  const entries = Object.entries(value)
    .filter(([, child]) => child !== undefined && !isEmpty(child))
    .sort(([a], [b]) => (rank.get(a) ?? 1e9) - (rank.get(b) ?? 1e9) || (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, ordered(child, schema?.properties?.[key])]));
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
