// What every machine of a lab must see of this one, wherever it lies: the project and its prefix of criu and runc.
import { existsSync } from 'node:fs';
import { projectFolder } from '../core/project-folder.ts';

/** Where criu and runc that work on this kernel stand, in `sbin`. */
export const programPrefix = (): string => process.env.CMIG_PREFIX || '/opt/cmig';

export const sharedFolders = (): string[] =>
  [projectFolder(), programPrefix()].filter((folder) => existsSync(folder));
