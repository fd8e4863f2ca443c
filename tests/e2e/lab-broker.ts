// A connection to the broker of a lab, as anybody has it who knows the password: without cmig in between.
import { readFile } from 'node:fs/promises';
import { type BrokerConnection, connectBroker } from '../../src/broker/connection.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { brokerUrl, type LabPlan } from '../../src/lab/lab-plan.ts';

/** The caller closes it. */
export async function connectToLab(lab: string, name: string): Promise<BrokerConnection> {
  const paths = new LabPaths(lab);
  const plan = JSON.parse(await readFile(paths.plan, 'utf8')) as LabPlan;
  const [user = '', password = ''] = (await readFile(paths.credentials, 'utf8')).trim().split(':');
  return connectBroker({
    url: brokerUrl(plan),
    insecure: true,
    credentials: { user, password },
    name,
    onProblem: (error) => process.stderr.write(`${name}: ${error.message}\n`),
  });
}
