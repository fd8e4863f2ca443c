// Where this installation of cmig stands: its programs, its scripts, its Node.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's folder: the nearest one above this program that holds bin/cmig-agent. */
export function projectFolder(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin', 'cmig-agent')) || folder === dirname(folder)) return folder;
  }
}
