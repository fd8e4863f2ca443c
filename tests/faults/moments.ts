// How it is seen, from the journals on both disks and the events, that a migration is within a step.
import type { MigrationStep } from '../../src/contract/migration.ts';
import type { Progress } from './scene.ts';

export type FaultStep = Exclude<MigrationStep, 'preflight'>;

export interface Moment {
  isWithin(progress: Progress): boolean;
  /** A fault comes up to so many ms after the step was seen to have begun. */
  spreadMs: number;
}

/** In their order. */
export const moments: Record<FaultStep, Moment> = {
  prepare: {
    isWithin: ({ source, destination }) => destination === 'prepared' && source === undefined,
    spreadMs: 30,
  },
  presync: { isWithin: ({ source }) => source === 'presyncing', spreadMs: 250 },
  freeze: {
    isWithin: ({ source, events }) => source === 'frozen' && !events.has('migration.frozen'),
    spreadMs: 200,
  },
  transfer: {
    isWithin: ({ source, events }) =>
      source === 'frozen' && events.has('migration.frozen') && !events.has('migration.transferred'),
    spreadMs: 150,
  },
  restore: {
    isWithin: ({ destination, events }) => destination === 'prepared' && events.has('migration.transferred'),
    spreadMs: 120,
  },
  commit: { isWithin: ({ destination }) => destination === 'restored', spreadMs: 0 },
  finish: {
    isWithin: ({ source, destination }) => destination === 'committed' && source === 'permitted',
    spreadMs: 20,
  },
};

export const faultSteps = Object.keys(moments) as FaultStep[];
