// Where the shared lab and its configuration are; read by the tests and by their set-up and tear-down.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** CMIG_E2E_LAB gives a run a lab of its own; CMIG_E2E_KEEP=1 leaves it up for the next run and for looking at it. */
export const labName = process.env.CMIG_E2E_LAB || 'e2e';
/**
 * Labs that single tests make for themselves: lab.test.ts the first two, then fuzz.test.ts, sites.test.ts, join.test.ts,
 * trust.test.ts.
 */
export const ownLabs = [
  `${labName}-own`,
  `${labName}-own-2`,
  `${labName}-fuzz`,
  `${labName}-sites`,
  `${labName}-join`,
  `${labName}-trust`,
] as const;
export const keepLab = process.env.CMIG_E2E_KEEP === '1';

const folder = join(tmpdir(), `cmig-${labName}`);
export const settings = { folder, config: join(folder, 'config.yaml') };

export const cmigProgram = join(root, 'bin/cmig');
export const artifacts = join(process.env.CMIG_ARTIFACTS || join(root, '.artifacts'), 'e2e');
export { root };

/** What stands still for some seconds, on a machine that does much else, is not taken for dead. */
process.env.CMIG_REQUEST_TIMEOUT ??= '10s';
