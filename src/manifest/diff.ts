// How what is wanted differs from what runs, as `kubectl diff` shows it.
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import type { Application, ApplicationManifest } from '../contract/application.ts';
import { type CompleteApplication, completeApplication } from '../contract/defaults.ts';
import { manifestSchema, type SchemaNode } from './schema-node.ts';

/** As much of an application as two are compared by. */
type Comparable = Pick<CompleteApplication, 'metadata' | 'spec'>;

export interface ApplicationDiff {
  /** Whether applying the manifest would change anything. */
  changed: boolean;
  /** A unified diff of YAML, under the notes as lines that begin with `#`; empty where there is nothing to say. */
  text: string;
  /** What differs and is left alone. */
  notes: string[];
}

/**
 * Compares with every default filled in, so that writing a default out is no difference.
 * @param current what runs; undefined where there is no such application
 * @param options.images container name -> digest of the image that is wanted, to be compared as well
 */
export function diffApplications(
  current: Application | undefined,
  wanted: ApplicationManifest,
  options: { images?: Readonly<Record<string, string>> } = {},
): ApplicationDiff {
  const after = completeApplication(wanted);
  const before = current && completeApplication(current);
  const notes: string[] = [];
  if (current && before) {
    const { name } = wanted.metadata;
    const { host, address } = current.status;
    if (wanted.spec.host !== host) {
      notes.push(
        `spec.host is ${wanted.spec.host}, but ${name} runs on ${host}; that is no difference: only "cmig migrate" moves it`,
      );
    }
    before.spec = { ...before.spec, host, network: { address } };
    after.spec = { ...after.spec, host, network: { address: wanted.spec.network?.address ?? address } };
    const { images } = options;
    if (images) {
      const running = Object.fromEntries(current.status.containers.map(({ name, image }) => [name, image]));
      before.spec.containers = withDigests(before.spec.containers, running);
      after.spec.containers = withDigests(after.spec.containers, images);
    }
  }
  const text = diffYaml(wanted.metadata.name, before, after);
  return { changed: text !== '', text: notes.map((note) => `# ${note}\n`).join('') + text, notes };
}

/** The same path may have another content by now, which only its digest tells. */
function withDigests(
  containers: Comparable['spec']['containers'],
  digests: Readonly<Record<string, string>>,
): Comparable['spec']['containers'] {
  return containers.map((container) => {
    const digest = digests[container.name];
    return digest === undefined ? container : { ...container, image: `${container.image} (${digest})` };
  });
}

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
  const patch = createTwoFilesPatch(before ? `running/${name}` : '/dev/null', `wanted/${name}`, old, wanted);
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
