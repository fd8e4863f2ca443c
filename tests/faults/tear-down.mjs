// After the fault matrix: as after the end-to-end tests, once the disks are no mount points any more.

import { keepLab } from '../e2e/settings.ts';
import keepAndClear from '../e2e/tear-down.mjs';
import { unmountDisks } from './set-up.mjs';

export default function tearDown() {
  if (!keepLab) unmountDisks();
  keepAndClear();
}
