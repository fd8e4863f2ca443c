// After the end-to-end tests: what tells of a failure is kept (logs and journals of all hosts), and the lab goes.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { artifacts, cmigProgram, keepLab, labName, ownLabs, settings } from './settings.ts';

const labFolder = join(process.env.CMIG_LAB_DIR || '/var/lib/cmig-lab', labName);
/** Machines' root file systems, images, layers and volumes are large, and say little. */
const left = /\/(root|images|layers|volumes|upper|work|bundle|rabbitmq|incoming)$/;

export default function tearDown() {
  const env = { ...process.env, CMIG_CONFIG: settings.config };
  const cmig = (...args) => execFileSync(cmigProgram, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    cpSync(labFolder, artifacts, { recursive: true, filter: (source) => !left.test(source) });
  } catch (error) {
    console.error(`the logs of the lab could not be kept: ${error.message}`);
  }
  if (keepLab) return;
  for (const lab of [labName, ...ownLabs]) cmig('lab', 'down', '--name', lab);
  rmSync(settings.folder, { recursive: true, force: true });
}
