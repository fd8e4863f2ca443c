// What every machine of a lab must see of this one, wherever it lies: the project and its prefix of criu and runc.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's folder: the nearest one above this program that holds bin/cmig-agent. */
export function projectFolder(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin', 'cmig-agent')) || folder === dirname(folder)) return folder;
  }
}

/** Where criu and runc that work on this kernel stand, in `sbin`. */
export const programPrefix = (): string => process.env.CMIG_PREFIX || '/opt/cmig';

export const sharedFolders = (): string[] =>
  [projectFolder(), programPrefix()].filter((folder) => existsSync(folder));
