// Before the tests on virtual machines: the programs are built, and what the machines boot from; then they boot.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../e2e/settings.ts';
import { startScene } from './scene.ts';

export default async function setUp() {
  const output = { stdio: ['ignore', process.stderr, process.stderr] };
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-changed'], output);
  execFileSync('bash', [join(root, 'scripts/vm/build-image.sh')], output);
  globalThis.endScene = await startScene();
}
