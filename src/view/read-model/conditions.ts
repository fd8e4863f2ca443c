// What a screen asks of the model first: how a host is, and whether a migration goes on.
import type { Host } from '../../contract/host.ts';
import type { HostState, MigrationState, ReadModel, StepState } from './read-model.ts';

export type HostCondition = Host['status']['condition'] | 'Unknown';

/** A host measures itself every 2 s; after three times nothing it is not there. */
export const silenceMs = 6500;

/** How a host is, as far as can be known: without a broker nothing is, nor after its return until the host is heard. */
export function hostCondition(
  { host, heardAtMs, silent }: HostState,
  { connection }: Pick<ReadModel, 'connection'>,
  nowMs: number,
): HostCondition {
  if (!connection.connected) return 'Unknown';
  if (host.status.condition === 'Incompatible') return 'Incompatible';
  if (silent) return 'NotReady';
  const heard = heardAtMs ?? 0;
  if (nowMs - Math.max(heard, connection.sinceMs) > silenceMs) return 'NotReady';
  return heard < connection.sinceMs ? 'Unknown' : 'Ready';
}

/** Under way, or ended so lately that it is still worth a line. */
export const isShown = ({ endedAtMs }: MigrationState, nowMs: number): boolean =>
  endedAtMs === undefined || nowMs - endedAtMs < 15_000;

export const isRunning = ({ endedAtMs }: MigrationState): boolean => endedAtMs === undefined;

/** The step at which it is, with its figures. */
export const currentStep = ({ course, step }: MigrationState): StepState | undefined =>
  course.steps.find((each) => each.step === step);
