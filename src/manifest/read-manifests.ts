// Manifest files -> applications that are known to be sound. All problems of all files are told at once.
import { type ApplicationManifest, ApplicationManifest as schema } from '../contract/application.ts';
import { didYouMean } from '../core/near-names.ts';
import { checkImages } from './check-images.ts';
import { checkReferences } from './check-references.ts';
import { checkSchema } from './check-schema.ts';
import { checkValues } from './check-values.ts';
import type { ManifestDocument } from './document.ts';
import type { ImageReference } from './image-reference.ts';
import { fieldsOf, textOf } from './loose.ts';
import { parseYaml } from './parse-yaml.ts';
import { type Path, Problems, shown, TooManyProblems } from './problems.ts';
import { readSources, type SourceOptions } from './source-files.ts';
import { described } from './value-words.ts';

export interface ReadOptions extends SourceOptions {
  /** Images may lie outside of the folder of their manifest. */
  allowOutside?: boolean;
}

export interface LoadedManifest {
  manifest: ApplicationManifest;
  /** Container name -> where its image stands on this machine. */
  images: Record<string, ImageReference>;
  /** As it was named, or `stdin`. */
  file: string;
  /** The folder that its image paths are relative to. */
  folder: string;
  /** file:line:column of the document. */
  where: string;
}

/**
 * Reads manifests in the order of `paths`: a file, a folder (its *.yaml, *.yml and *.json by name) or `-` for standard
 * input.
 * @throws CmigError `invalid` with every problem of every file
 */
export async function readManifests(
  paths: string | readonly string[],
  options: ReadOptions = {},
): Promise<LoadedManifest[]> {
  const problems = new Problems();
  const loaded: LoadedManifest[] = [];
  try {
    await load(typeof paths === 'string' ? [paths] : paths, options, problems, loaded);
  } catch (error) {
    if (!(error instanceof TooManyProblems)) throw error;
  }
  problems.throwIfAny();
  return loaded;
}

async function load(
  paths: readonly string[],
  options: ReadOptions,
  problems: Problems,
  loaded: LoadedManifest[],
): Promise<void> {
  const files = await readSources(paths, options, problems);
  const applications: ManifestDocument[] = [];
  for (const file of files) {
    const before = problems.count;
    const documents = parseYaml(file, problems);
    if (documents.length === 0 && problems.count === before) {
      problems.add(file.name, [file.index], 'holds no manifest', 'it begins with apiVersion and kind');
    }
    for (const document of documents.flatMap(asGotten)) {
      if (!isApplication(document)) continue;
      applications.push(document);
      checkSchema(document);
      checkReferences(document);
      checkValues(document);
      loaded.push({
        manifest: document.value as ApplicationManifest,
        images: await checkImages(document, options.allowOutside ?? false),
        file: file.name,
        folder: file.folder,
        where: document.where([]),
      });
    }
  }
  checkTaken(applications, ['metadata', 'name'], 'two applications are named');
  checkTaken(applications, ['spec', 'network', 'address'], 'two applications have the address');
}

const known = { apiVersion: schema.properties.apiVersion.const, kind: schema.properties.kind.const };

/** What `cmig get -o yaml` prints can be applied: a list of manifests, each with its status, which nobody sets. */
function asGotten(document: ManifestDocument): ManifestDocument[] {
  const { kind, items } = fieldsOf(document.value);
  if (kind === 'List' && Array.isArray(items))
    return items.flatMap((item, index) => asGotten(document.part(['items', index], item)));
  if (kind !== known.kind) return [document];
  const { status: _, ...wanted } = fieldsOf(document.value);
  return [document.part([], wanted)];
}

/** Whether it is worth looking at the rest: of another kind, everything else would be wrong too. */
function isApplication(document: ManifestDocument): boolean {
  const fields = fieldsOf(document.value);
  const keys = Object.keys(schema.properties);
  if (Object.keys(fields).length > 0 && !keys.some((key) => key in fields)) {
    document.problem(
      [],
      `is no manifest: it has none of the keys ${keys.join(', ')}`,
      'services' in fields ? 'a Compose file becomes one by: cmig convert -f FILE --host HOST' : undefined,
    );
    return false;
  }
  const ofUs = textOf(fields.apiVersion)?.split('/')[0] === known.apiVersion.split('/')[0];
  const otherKind = 'kind' in fields && fields.kind !== known.kind;
  const otherVersion = 'apiVersion' in fields && fields.apiVersion !== known.apiVersion;
  if (!otherKind && (!otherVersion || ofUs)) return true;
  for (const key of ['apiVersion', 'kind'] as const) {
    const value = fields[key];
    if (!(key in fields) || value === known[key]) continue;
    const hint = typeof value === 'string' ? didYouMean(value, [known[key]]) : undefined;
    document.problem(
      [key],
      `${key} must be ${known[key]}, but is ${described(value)}`,
      hint ?? (key === 'kind' ? `the only kind that can be applied is ${known.kind}` : undefined),
    );
  }
  return false;
}

/** What only one application of a run may have. */
function checkTaken(documents: readonly ManifestDocument[], path: Path, message: string): void {
  const first = new Map<string, string>();
  for (const document of documents) {
    let value: unknown = document.value;
    for (const segment of path) value = fieldsOf(value)[segment];
    const text = textOf(value);
    if (text === undefined) continue;
    const before = first.get(text);
    if (before) document.problem(path, `${message} ${shown(text)}`, `the first one stands at ${before}`);
    else first.set(text, document.where(path));
  }
}
