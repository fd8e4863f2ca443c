// A Compose file from disk or standard input, converted; what is no Compose file is refused with its place.
import { basename, resolve } from 'node:path';
import { checkName } from '../../core/check-name.ts';
import { fieldsOf } from '../loose.ts';
import { parseYaml } from '../parse-yaml.ts';
import { Problems } from '../problems.ts';
import { readSources, type SourceOptions } from '../source-files.ts';
import { type Converted, type ConvertOptions, convertCompose } from './convert-compose.ts';
import { readEnvFiles } from './env-file.ts';
import { interpolated } from './interpolate.ts';

export interface ReadComposeOptions
  extends Omit<ConvertOptions, 'name' | 'envFiles'>,
    Pick<SourceOptions, 'stdin'> {
  /** The folder's where it is absent and the file does not say it, as under Compose. */
  name?: string | undefined;
}

/** @throws CmigError `invalid` with every problem of the file */
export async function readCompose(path: string, options: ReadComposeOptions): Promise<Converted> {
  if (options.name !== undefined) checkName('application', options.name);
  const problems = new Problems();
  const { stdin, name, ...rest } = options;
  const files = await readSources([path], stdin ? { stdin } : {}, problems);
  const documents = files.flatMap((file) => parseYaml(file, problems));
  const [document] = documents;
  if (files.length > 1 || documents.length > 1)
    problems.add(path, [0], 'holds several documents', 'name one Compose file');
  else if (document && Object.keys(fieldsOf(fieldsOf(document.value).services)).length === 0)
    document.problem([], 'is no Compose file: it has no services');
  else if (!document && problems.count === 0) problems.add(path, [0], 'is empty');
  problems.throwIfAny('the Compose file');
  const { file, value } = document!;
  const folder = basename(resolve(file.folder));
  const envFiles = await readEnvFiles(
    interpolated(value, rest.env, () => {}),
    file.folder,
  );
  const converted = convertCompose(document!, { ...rest, envFiles, name: name ?? folder });
  if (name !== undefined) converted.manifest.metadata.name = name;
  return converted;
}
