// `cmig host doctor`.
import { diagnoseHosts } from '../../orchestrator/diagnosing.ts';
import { rotateKeys as rotate } from '../../orchestrator/rotating.ts';
import { renderDiagnoses } from '../../view/diagnosis.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';

export async function doctor(invocation: Invocation): Promise<number> {
  const names = invocation.texts('HOST');
  const diagnoses = await withOrchestrator(invocation, (session) => diagnoseHosts(session, names));
  if (invocation.output === 'json') invocation.printJson({ hosts: diagnoses });
  else for (const line of renderDiagnoses(diagnoses, { all: invocation.flag('all') })) invocation.print(line);
  const isIll = diagnoses.some(({ findings }) => findings.some(({ level }) => level === 'problem'));
  return isIll ? 1 : 0;
}

export async function rotateKeys(invocation: Invocation): Promise<void> {
  const rotations = await withOrchestrator(invocation, (session) =>
    rotate(session, invocation.texts('HOST')),
  );
  if (invocation.output === 'json') return invocation.printJson({ hosts: rotations });
  for (const { host, unaware } of rotations) {
    invocation.print(`${host} has a new transfer key`);
    if (unaware.length > 0) invocation.notice(`not heard of it yet: ${unaware.join(', ')}`);
  }
}
