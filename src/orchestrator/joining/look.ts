// Looks at a machine by one command there, which changes nothing.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../core/project-folder.ts';
import { type HostFacts, parseHostFacts } from './host-facts.ts';
import { files, identityFile } from './installed-files.ts';
import type { SshSession } from './ssh-session.ts';

/** What `script` tells after what is told of every machine; with the modes and digests of `paths`. */
export async function look(session: SshSession, script: string, paths: readonly string[]): Promise<string> {
  const [common, own] = await Promise.all(
    ['scripts/host/look-machine.sh', script].map((file) => readFile(join(projectFolder(), file), 'utf8')),
  );
  return (await session.run(`${common}${own}`, { args: paths })).stdout;
}

/** @param runtimePaths what else is to be looked at, beside the files that every host has */
export const lookAtHost = async (session: SshSession, runtimePaths: readonly string[]): Promise<HostFacts> =>
  parseHostFacts(
    await look(session, 'scripts/host/look.sh', [
      ...runtimePaths,
      ...Object.values(files),
      identityFile,
      `${identityFile}.pub`,
    ]),
  );
