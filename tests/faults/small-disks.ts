// Small disks of their own for two hosts of a lab, so that one can be full; given before the lab comes up.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labName } from '../e2e/settings.ts';

const labFolder = join(process.env.CMIG_LAB_DIR || '/var/lib/cmig-lab', labName);
const isMounted = (folder: string): boolean => readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `);

/** The hosts that have one. */
export const smallDisks = ['host-a', 'host-b'];

export function giveSmallDisks(size: string): void {
  for (const disk of smallDisks.map((host) => join(labFolder, host, 'data'))) {
    // Of a lab that was kept up.
    if (isMounted(disk)) continue;
    mkdirSync(disk, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'cmig-fault-disk', disk]);
  }
}
