// Before the end-to-end tests: the programs are built, and nothing is left of a run that was killed.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { cmigProgram, keepLab, labName, ownLabs, root, settings } from './settings.ts';

export default function setUp() {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-changed'], { stdio: 'inherit' });
  if (keepLab) return;
  for (const lab of [labName, ...ownLabs])
    execFileSync(cmigProgram, ['lab', 'down', '--name', lab], {
      env: { ...process.env, CMIG_CONFIG: settings.config },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  rmSync(settings.folder, { recursive: true, force: true });
}
