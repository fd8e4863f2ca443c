// Whether this host can restore a checkpoint: its machine, the images, and every file of it.
import { arch } from 'node:os';
import { fits } from '../../src/broker/schema-check.ts';
import { CodeFacts } from '../../src/contract/cpu-baseline.ts';
import type { Problem } from '../../src/contract/fault.ts';
import { ApplicationUse, MachineFacts } from '../../src/contract/machine.ts';
import type { PreflightReport } from '../../src/contract/migration.ts';
import { collide, hostPortText } from '../../src/contract/published-port.ts';
import { CmigError } from '../../src/core/errors.ts';
import { refuseCpuFor } from '../cpu/refuse-cpu.ts';
import { findSkews } from '../migration/find-skews.ts';
import { readAppArmorProfiles, readHostFacts, refuseCpu } from '../migration/host-facts.ts';
import type { Machine } from '../migration/machine.ts';
import { applicationOf, type CheckpointRecord } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { verifySeal } from './seal.ts';

/**
 * @returns what is known to go otherwise on this host than where it was taken
 * @throws CmigError `conflict` where this host cannot; `failed` that names the damaged file
 */
export async function verifyCheckpoint(
  machine: Machine,
  store: CheckpointStore,
  record: CheckpointRecord,
): Promise<Problem[]> {
  const { images, context } = machine;
  refuseTakenPorts(machine, record);
  const cannot = `checkpoint ${record.id} cannot be restored on ${context.config.name}`;
  const refused = (message: string, hint: string) =>
    new CmigError('conflict', `${cannot}: ${message}`, { hint });
  if (record.architecture !== arch())
    throw refused(`it is of a ${record.architecture}`, 'choose a host of that architecture');
  const { problems, warnings } = await skewsOf(machine, record);
  if (problems.length > 0) throw new CmigError('conflict', cannot, { problems, warnings });
  const { application, code } = record;
  const refusal = await refuseCpuFor(
    // An archive may come from anywhere.
    { manifest: application.manifest, code: code && fits(CodeFacts, code) ? code : undefined },
    { name: context.config.name, env: context.programs.env },
    async () => {
      const lacks = await refuseCpu(context.programs, record.cpuinfo);
      return lacks && `its CPU lacks features: ${lacks}`;
    },
  );
  if (refusal) throw refused(refusal.message, refusal.hint);
  for (const digest of new Set(Object.values(record.application.images)))
    if (!(await images.find(digest)))
      throw refused(`the image ${digest} is not there`, 'apply its manifest again, which sends the image');
  await verifySeal(store.folder(applicationOf(record), record.id), record.id);
  return warnings;
}

/** By what all hosts have said, also those that do not answer now: what it publishes may be another application's by now. */
function refuseTakenPorts({ neighbourhood }: Machine, record: CheckpointRecord): void {
  const ports = record.application.manifest.spec.network?.ports ?? [];
  const { places } = neighbourhood.view();
  const others = places.filter(({ application }) => application !== applicationOf(record));
  for (const port of ports) {
    const owner = others.find((other) => other.ports?.some((taken) => collide(port, taken)));
    if (!owner) continue;
    throw new CmigError(
      'conflict',
      `the host port ${hostPortText(port)} of checkpoint ${record.id} belongs to ${owner.application} on ${owner.host}`,
      { hint: 'give that one another hostPort, or delete it' },
    );
  }
}

/** As it was dumped there and then: the same host may have another kernel by now. */
async function skewsOf({ context }: Machine, record: CheckpointRecord): Promise<PreflightReport> {
  const here = context.config.name;
  const { architecture, kernel, criu, machine, uses, takenOn } = record;
  // An archive may come from anywhere.
  const told =
    machine && fits(MachineFacts, machine) ? machine : { architecture, kernel: `${kernel}`, criu: `${criu}` };
  return findSkews({
    from: { ...told, name: takenOn === here ? `${here} when it was taken` : takenOn },
    to: {
      ...(await readHostFacts(context.programs)),
      name: here,
      profiles: await readAppArmorProfiles(),
    },
    uses: uses && fits(ApplicationUse, uses) ? uses : undefined,
    isDumped: true,
  });
}
