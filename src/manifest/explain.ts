// What a field of a kind is for, from the schema itself.
import Type from 'typebox';
import { Application, ApplicationManifest } from '../contract/application.ts';
import { Checkpoint } from '../contract/checkpoint.ts';
import { Host } from '../contract/host.ts';
import { Image } from '../contract/image.ts';
import { Migration } from '../contract/migration.ts';
import { apiVersion } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { type SchemaNode, typesOf } from './schema-node.ts';

export interface ExplainedField {
  name: string;
  /** As kubectl writes it: `<string>`, `<[]Object>`, `<map[string]string>`. */
  type: string;
  required: boolean;
  description: string;
  /** The values that it may have, where only some are allowed. */
  values?: string[];
  /** What is below it, where all levels were asked for. */
  fields?: ExplainedField[];
}

export interface Explanation {
  kind: string;
  version: string;
  /** From the kind down: `application.spec.containers`. */
  path: string;
  /** The field itself; absent where the kind is explained. */
  field?: ExplainedField;
  description: string;
  /** What is below it, in the order of the schema. */
  fields: ExplainedField[];
}

interface Kind {
  name: string;
  aliases: readonly string[];
  description: string;
  schema: SchemaNode;
}

const statusOf = (node: SchemaNode): SchemaNode => ({
  ...node,
  description: node.description ?? 'What is. Read-only: reported by the agents.',
});

const asNode = (schema: Type.TSchema): SchemaNode => schema as unknown as SchemaNode;

/** A kind as it is read back: its manifest and its status. */
function kindOf(name: string, aliases: readonly string[], description: string, schema: SchemaNode): Kind {
  const { properties = {} } = schema;
  const status = properties.status;
  return {
    name,
    aliases,
    description,
    schema: { ...schema, properties: { ...properties, ...(status ? { status: statusOf(status) } : {}) } },
  };
}

const kinds: readonly Kind[] = [
  kindOf(
    'Application',
    ['application', 'applications', 'app', 'apps'],
    asNode(ApplicationManifest).description ?? '',
    asNode(Type.Object({ ...ApplicationManifest.properties, status: Application.properties.status })),
  ),
  kindOf(
    'Host',
    ['host', 'hosts'],
    'A Linux machine with an agent. Not applied: an agent announces it.',
    asNode(Host),
  ),
  kindOf(
    'Checkpoint',
    ['checkpoint', 'checkpoints', 'ckpt', 'ckpts'],
    'An application at one instant, memory and files. Not applied: "cmig checkpoint" takes it.',
    asNode(Checkpoint),
  ),
  kindOf(
    'Image',
    ['image', 'images', 'img', 'imgs'],
    'A root file system on a host. Not applied: an application brings it, "cmig image prune" removes it.',
    asNode(Image),
  ),
  kindOf(
    'Migration',
    ['migration', 'migrations', 'mig', 'migs'],
    'One move of one application, as its two hosts wrote it down. Not applied: "cmig migrate" makes it.',
    asNode(Migration),
  ),
];

/** The names that a path may begin with, without aliases. */
export const explainableKinds: readonly string[] = kinds.map(({ aliases }) => aliases[0]!);

/**
 * @param path such as `application.spec.containers.ready`; indexes (`containers[0]`, `containers[]`) are allowed
 * @param options.recursive with the fields of its fields, down to the last
 * @throws CmigError `not-found` with the names that may have been meant
 */
export function explain(path: string, { recursive = false } = {}): Explanation {
  const [kindName = '', ...segments] = path
    .replace(/\[[^\]]*\]/g, '')
    .split('.')
    .filter(Boolean);
  const wanted = kindName.toLowerCase();
  const kind = kinds.find(({ aliases }) => aliases.includes(wanted));
  if (!kind) {
    throw new CmigError('not-found', `there is no kind "${kindName}"`, {
      hint:
        didYouMean(
          wanted,
          kinds.flatMap(({ aliases }) => aliases),
        ) ?? `the kinds are ${explainableKinds.join(', ')}`,
    });
  }
  let node = kind.schema;
  let field: ExplainedField | undefined;
  const walked = [kind.aliases[0]!];
  for (const segment of segments) {
    const { properties = {}, required = [], patternProperties } = itemOf(node);
    const name = nameIn(properties, segment);
    const free = Object.values(patternProperties ?? {})[0];
    const child = name === undefined ? free : properties[name];
    if (!child) throw unknownField(segment, walked.join('.'), Object.keys(properties));
    walked.push(name ?? segment);
    node = child;
    field = fieldOf(name ?? segment, child, required.includes(name ?? ''));
  }
  return {
    kind: kind.name,
    version: apiVersion,
    path: walked.join('.'),
    ...(field ? { field } : {}),
    description: field ? field.description : kind.description,
    fields: fieldsOf(node, recursive),
  };
}

/** What is below a field, or below what it holds where it is a list or a map. */
function fieldsOf(node: SchemaNode, recursive: boolean): ExplainedField[] {
  const { properties = {}, required = [] } = itemOf(node);
  return Object.entries(properties).map(([name, child]) => {
    const field = fieldOf(name, child, required.includes(name));
    const below = recursive ? fieldsOf(child, true) : [];
    return below.length > 0 ? { ...field, fields: below } : field;
  });
}

function unknownField(segment: string, path: string, known: readonly string[]): CmigError {
  const fields = known.length > 0 ? `its fields are ${known.join(', ')}` : 'it has no fields';
  return new CmigError('not-found', `${path} has no field "${segment}"`, {
    hint: didYouMean(segment, known) ?? fields,
  });
}

/** A field by its name; upper and lower case make no difference, as there are no two that differ by it alone. */
function nameIn(properties: object, segment: string): string | undefined {
  return Object.keys(properties).find((name) => name.toLowerCase() === segment.toLowerCase());
}

/** What a list holds, through lists of lists; anything else is itself. */
const itemOf = (node: SchemaNode): SchemaNode => (node.items ? itemOf(node.items) : node);

function fieldOf(name: string, node: SchemaNode, required: boolean): ExplainedField {
  const values = node.enum ?? (node.const === undefined ? undefined : [node.const]);
  return {
    name,
    type: `<${typeName(node)}>`,
    required,
    description: node.description ?? '',
    ...(values ? { values: values.map(String) } : {}),
  };
}

function typeName(node: SchemaNode): string {
  const types = typesOf(node);
  if (types.length > 1) return types.map((type) => typeName({ ...node, type })).join('|');
  if (node.items && types[0] === 'array') return `[]${typeName(node.items)}`;
  const free = Object.values(node.patternProperties ?? {})[0];
  if (free) return `map[string]${typeName(free)}`;
  return types[0] === 'object' ? 'Object' : types[0]!;
}
