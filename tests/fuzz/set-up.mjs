// Before the fuzz runs: the programs are built. Each run has a lab of its own, and takes it down.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../e2e/settings.ts';

export default function setUp() {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-changed'], { stdio: 'inherit' });
}
