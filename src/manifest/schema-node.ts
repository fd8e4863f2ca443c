// The published schema as a plain tree: what the checks, `explain` and their hints read of it.
import { ApplicationManifest } from '../contract/application.ts';
import type { Path } from './problems.ts';

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

/** The keywords of JSON Schema that our schemas use. */
export interface SchemaNode {
  /** Several: one of them. */
  type?: SchemaType | readonly SchemaType[];
  description?: string;
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  required?: readonly string[];
  items?: SchemaNode;
  enum?: readonly (string | number)[];
  const?: string | number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

export const manifestSchema = ApplicationManifest as unknown as SchemaNode;

/** The schema of what stands at `path`, or undefined where the schema has no such place. */
export function schemaAt(root: SchemaNode, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const segment of path) {
    if (typeof segment === 'number') node = node?.items;
    else node = ownProperty(node?.properties, segment) ?? Object.values(node?.patternProperties ?? {})[0];
  }
  return node;
}

const ownProperty = <T>(object: Record<string, T> | undefined, key: string): T | undefined =>
  object && Object.hasOwn(object, key) ? object[key] : undefined;

/** The types that a value may have. */
export const typesOf = ({ type = 'string' }: SchemaNode): readonly SchemaType[] =>
  typeof type === 'string' ? [type] : type;

/** Every place of the schema, with lists written as `containers[]`. */
export function* schemaPlaces(root: SchemaNode, at = ''): Generator<{ path: string; node: SchemaNode }> {
  yield { path: at, node: root };
  if (root.items) yield* schemaPlaces(root.items, `${at}[]`);
  for (const [key, child] of Object.entries(root.properties ?? {})) {
    yield* schemaPlaces(child, at ? `${at}.${key}` : key);
  }
  for (const child of Object.values(root.patternProperties ?? {})) yield* schemaPlaces(child, `${at}.*`);
}
