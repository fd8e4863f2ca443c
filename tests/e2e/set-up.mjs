// Before the end-to-end tests: the programs are built, and nothing is left of a run that was killed.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { cmigProgram, keepLab, labName, root, settings } from './settings.ts';

export default function setUp() {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-changed'], { stdio: 'inherit' });
  if (keepLab) return;
  execFileSync(cmigProgram, ['lab', 'down', '--name', labName], {
    env: { ...process.env, CMIG_CONFIG: settings.config },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
