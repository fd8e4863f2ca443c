// What a restore is going to do, decided before anything is changed, and written down as it begins.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Params } from '../../src/contract/methods.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { Machine } from '../migration/machine.ts';
import { refuseCordoned } from '../peers/refuse-cordoned.ts';
import { refuseElsewhere } from '../peers/refuse-elsewhere.ts';
import { factsOf, withoutMarks } from './checkpoint-facts.ts';
import { applicationOf, type CheckpointRecord } from './checkpoint-record.ts';
import type { RestoreRecord } from './restore-journal.ts';

/**
 * An application of which only a part runs is stopped, where it may be given up.
 * @throws CmigError `conflict` where something is in the way of it
 */
export async function planRestore(
  machine: Machine,
  found: CheckpointRecord,
  request: Params<'checkpoint.restore'>,
): Promise<RestoreRecord> {
  const { supervisor, context } = machine;
  const name = applicationOf(found);
  const present = supervisor.has(name) ? supervisor.record(name) : undefined;
  if (!present) {
    refuseCordoned(machine.hosts, name);
    await refuseElsewhere(machine, name);
  }
  const { application } = found;
  refuseAddress(machine, found);
  const states = present ? supervisor.describe(name).status.containers : [];
  const running = states.length > 0 && states.every(({ state }) => state === 'Running');
  if (present && !running && !request.discardCurrent)
    throw new CmigError('conflict', `not all of ${name} runs, so it cannot be kept as it is`, {
      hint: 'start it first (cmig start), or give it up with --discard-current',
    });
  if (present && !running && states.some(({ state }) => state === 'Running')) await supervisor.stop(name);
  const epoch = Math.max(present?.epoch ?? 0, application.epoch, request.epochAbove ?? 0) + 1;
  const before = present && {
    application: withoutMarks(supervisor.record(name)),
    running,
    roots: ['containers', 'volumes'].filter((root) =>
      existsSync(join(context.paths.application(name), root)),
    ),
  };
  return {
    id: `r-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`,
    state: 'preparing',
    checkpoint: found.id,
    ...(before ? { before } : {}),
    after: { ...application, desired: 'running', epoch, restoredFrom: found.id },
    ...(before?.running && !request.discardCurrent
      ? { keep: await keepRecord(machine, before.application, request.keepAs) }
      : {}),
  };
}

function refuseAddress({ supervisor }: Machine, found: CheckpointRecord): void {
  const { address } = found.application;
  const owner = supervisor
    .records()
    .find((each) => each.address === address && each.manifest.metadata.name !== applicationOf(found));
  if (!owner) return;
  throw new CmigError(
    'conflict',
    `the address ${address} of checkpoint ${found.id} belongs to ${owner.manifest.metadata.name}`,
    { hint: 'give that one another address, or delete it' },
  );
}

/** Of what runs: its sizes, its sockets and its time are known when it stands still. */
async function keepRecord(
  machine: Machine,
  application: CheckpointRecord['application'],
  id: string,
): Promise<CheckpointRecord> {
  return {
    id,
    reason: 'restore',
    ...(application.restoredFrom ? { restoredFrom: application.restoredFrom } : {}),
    takenOn: machine.context.config.name,
    createdAt: new Date().toISOString(),
    frozenAtMs: Date.now(),
    frozenMs: 0,
    connections: 0,
    ...(await factsOf(machine, application)),
    memoryBytes: 0,
    fileBytes: 0,
    files: 0,
    application,
  };
}
