// Applications of which nothing runs, so that there is nothing to move: they stay where they are.
import type { Application } from '../../contract/application.ts';
import type { MoveResult } from './move-result.ts';

const phases: Partial<Record<Application['status']['phase'], string>> = {
  Stopped: 'it is stopped',
  Exited: 'it has ended',
  Failed: 'it could not be started',
};

/** Undefined for one that runs. */
export function leftOf({ metadata, status }: Application): MoveResult | undefined {
  const state = phases[status.phase];
  if (!state) return undefined;
  return {
    application: metadata.name,
    from: status.host,
    outcome: 'left',
    note: `${state}: only what runs is moved, its files stay on ${status.host}`,
  };
}
