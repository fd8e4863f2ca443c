// The phase of an application, a pure function of what is known of it.
import type { applicationPhases, ContainerStatus } from '../../src/contract/application.ts';
import { isRestarted, type RestartPolicy } from './start-order.ts';

export type Phase = (typeof applicationPhases)[number];

export interface PhaseFacts {
  desired: 'running' | 'stopped';
  migrationRole?: 'source' | 'destination' | 'checkpoint' | 'restore' | undefined;
  /** A deployment is under way. */
  deploying: boolean;
  /** The last start failed for good. */
  failed: boolean;
  restartPolicy: RestartPolicy;
  containers: readonly Pick<ContainerStatus, 'state' | 'ready' | 'exitCode'>[];
}

export function phaseOf(facts: PhaseFacts): Phase {
  const { containers, restartPolicy } = facts;
  if (facts.migrationRole === 'source') return 'Migrating';
  if (facts.migrationRole === 'destination') return 'Incoming';
  if (facts.migrationRole === 'checkpoint') return 'Checkpointing';
  if (facts.migrationRole === 'restore') return 'Restoring';
  if (facts.deploying) return 'Deploying';
  if (facts.failed) return 'Failed';
  const runs = containers.some(({ state }) => state === 'Running' || state === 'Frozen');
  if (facts.desired === 'stopped' && !runs) return 'Stopped';
  const isOver = ({ state, exitCode }: (typeof containers)[number]): boolean =>
    state === 'Exited' && !isRestarted(restartPolicy, exitCode);
  if (containers.every(isOver)) return 'Exited';
  // One that has done its work and is not to come back does not make the others less ready.
  return containers.every((container) => container.ready || (isOver(container) && container.exitCode === 0))
    ? 'Running'
    : 'NotReady';
}
