// Before the fault matrix: as before the end-to-end tests; and two hosts get small disks of their own.
import buildAndClear from '../e2e/set-up.mjs';
import { giveSmallDisks } from './small-disks.ts';

export default function setUp() {
  buildAndClear();
  giveSmallDisks('500m');
}
