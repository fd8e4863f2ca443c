// Before the fault matrix: as before the end-to-end tests; and the two hosts get small disks of their own, so that one can be full.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import buildAndClear from '../e2e/set-up.mjs';
import { labName } from '../e2e/settings.ts';

const labFolder = join(process.env.CMIG_LAB_DIR || '/var/lib/cmig-lab', labName);
const isMounted = (folder) => readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `);

export default function setUp() {
  buildAndClear();
  for (const disk of ['host-a', 'host-b'].map((host) => join(labFolder, host, 'data'))) {
    // Of a lab that was kept up.
    if (isMounted(disk)) continue;
    mkdirSync(disk, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=500m,mode=700', 'cmig-fault-disk', disk]);
  }
}
