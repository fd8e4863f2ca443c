// The manifests that -f names.
import { type LoadedManifest, readManifests } from '../manifest/read-manifests.ts';
import type { Invocation } from './command.ts';

/** @throws CmigError `invalid` with every problem of every file */
export const namedManifests = (
  invocation: Invocation,
  allowOutside = invocation.flag('allow-outside'),
): Promise<LoadedManifest[]> =>
  readManifests(invocation.texts('file'), {
    allowOutside,
    recursive: invocation.flag('recursive'),
    stdin: invocation.stdin,
  });
