// Every step of a migration × every fault. CMIG_FAULTS=step:fault,… chooses (either may be *), CMIG_FAULTS_REPEAT repeats.
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { useLab } from '../e2e/lab.ts';
import { type FaultName, faultNames } from './faults.ts';
import { Matrix } from './matrix.ts';
import { type FaultStep, faultSteps } from './moments.ts';

const wanted = (process.env.CMIG_FAULTS || '*:*').split(',').map((each) => each.split(':'));
const matches = (pattern: string | undefined, name: string) => pattern === '*' || pattern === name;
const cells = faultNames.flatMap((fault) =>
  faultSteps
    .filter((step) => wanted.some(([s, f]) => matches(s, step) && matches(f, fault)))
    .map((step): [FaultStep, FaultName] => [step, fault]),
);
const times = Number(process.env.CMIG_FAULTS_REPEAT || 1);

describe('whatever fails within a migration, one copy goes on and nothing is left over', () => {
  useLab();
  let matrix: Matrix;
  beforeAll(async () => {
    matrix = await Matrix.open();
  }, 120_000);
  afterAll(() => matrix.close());

  const repeated = Array.from({ length: times }, () => cells).flat();
  it.each(repeated)(
    '%s × %s',
    async (step, fault) => {
      await matrix.run(step, fault);
    },
    600_000,
  );
});
