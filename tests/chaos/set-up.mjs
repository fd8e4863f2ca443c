// Before a run: as before the end-to-end tests; and two hosts get disks of their own, large enough for all that a run keeps.
import buildAndClear from '../e2e/set-up.mjs';
import { giveSmallDisks } from '../faults/small-disks.ts';

export default function setUp() {
  buildAndClear();
  giveSmallDisks('2g');
}
