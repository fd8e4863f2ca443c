// The phase of an application follows from its containers and from what is being done to it.
import { describe, expect, it } from '@jest/globals';
import { type PhaseFacts, phaseOf } from '../../../../agent/runtime/application-phase.ts';

const running = { state: 'Running', ready: true } as const;
const starting = { state: 'Running', ready: false } as const;
const ended = (exitCode: number) => ({ state: 'Exited', ready: false, exitCode }) as const;
const phase = (containers: PhaseFacts['containers'], facts: Partial<PhaseFacts> = {}) =>
  phaseOf({
    desired: 'running',
    deploying: false,
    failed: false,
    restartPolicy: 'Always',
    containers,
    ...facts,
  });

describe('phaseOf', () => {
  it('is Running only when all are ready', () => {
    expect(phase([running, running])).toBe('Running');
    expect(phase([running, starting])).toBe('NotReady');
    expect(phase([running, ended(1)])).toBe('NotReady');
  });

  it('lets a migration go before everything', () => {
    expect(phase([running], { migrationRole: 'source', failed: true })).toBe('Migrating');
    expect(phase([], { migrationRole: 'destination' })).toBe('Incoming');
  });

  it('is Stopped when nothing runs any more, not when it was asked for', () => {
    expect(phase([running, ended(0)], { desired: 'stopped' })).not.toBe('Stopped');
    expect(phase([ended(0), ended(143)], { desired: 'stopped' })).toBe('Stopped');
  });

  it('is Exited when all ended and none comes back', () => {
    expect(phase([ended(0), ended(1)], { restartPolicy: 'Never' })).toBe('Exited');
    expect(phase([ended(0), ended(1)], { restartPolicy: 'OnFailure' })).toBe('NotReady');
  });

  it('does not hold a job that is done against the others', () => {
    expect(phase([running, ended(0)], { restartPolicy: 'OnFailure' })).toBe('Running');
    expect(phase([running, ended(1)], { restartPolicy: 'Never' })).toBe('NotReady');
  });
});
