// A connection to the broker of a lab, as anybody has it who knows the password or has a certificate: without cmig in between.
import { readFile } from 'node:fs/promises';
import { type BrokerConnection, connectBroker } from '../../src/broker/connection.ts';
import { labAccess } from '../../src/lab/lab-access.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import type { LabPlan } from '../../src/lab/lab-plan.ts';

/** The caller closes it. */
export async function connectToLab(lab: string, name: string): Promise<BrokerConnection> {
  const plan = JSON.parse(await readFile(new LabPaths(lab).plan, 'utf8')) as LabPlan;
  return connectBroker({
    ...(await labAccess(plan)),
    name,
    onProblem: (error) => process.stderr.write(`${name}: ${error.message}\n`),
  });
}
