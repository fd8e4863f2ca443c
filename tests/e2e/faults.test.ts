// The core of the fault matrix, in every run of the tests; all of it is run by npm run test:faults.
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { FaultName } from '../faults/faults.ts';
import { Matrix } from '../faults/matrix.ts';
import type { FaultStep } from '../faults/moments.ts';
import { useLab } from './lab.ts';

/** One of each kind, and each where the most is at stake for it. */
const core: [FaultStep, FaultName][] = [
  ['freeze', 'source-agent'],
  ['commit', 'source-agent'],
  ['restore', 'destination-agent'],
  ['finish', 'destination-agent'],
  ['transfer', 'orchestrator'],
  ['transfer', 'source-power'],
  ['commit', 'destination-power'],
  ['restore', 'broker'],
  ['transfer', 'rsync-killed'],
  ['transfer', 'criu-killed'],
];

describe('whatever fails within a migration, one copy goes on and nothing is left over', () => {
  useLab();
  let matrix: Matrix;
  beforeAll(async () => {
    matrix = await Matrix.open();
  }, 240_000);
  afterAll(() => matrix.close());

  it.each(core)(
    '%s × %s',
    async (step, fault) => {
      await matrix.run(step, fault);
    },
    600_000,
  );
});
