// The Migration: one move of one application, as its two hosts wrote it down.
import Type from 'typebox';
import { FaultSchema, Problem } from './fault.ts';
import { apiVersion } from './protocol.ts';

export const migrationSteps = [
  'preflight',
  'prepare',
  'presync',
  'freeze',
  'transfer',
  'restore',
  'commit',
  'finish',
] as const;
export type MigrationStep = (typeof migrationSteps)[number];

export const migrationOutcomes = ['committed', 'rolled-back', 'needs-attention'] as const;
export type MigrationOutcome = (typeof migrationOutcomes)[number];

/** Which migration it is, and of what. */
export interface MigrationIdentity {
  migration: string;
  application: string;
  from: string;
  to: string;
}

/**
 * The source's states: `presyncing` → `frozen` → `permitted` → `finished`, or from any but the last two
 * `rolled-back`. Once `permitted` is on disk only the destination's word (or a person's) ends it.
 */
export const sourceStates = ['presyncing', 'frozen', 'permitted', 'finished', 'rolled-back'] as const;
export type SourceState = (typeof sourceStates)[number];

/** The destination's states: `prepared` → `restored` → `committed`, or from the first two `aborted`. */
export const destinationStates = ['prepared', 'restored', 'committed', 'aborted'] as const;
export type DestinationState = (typeof destinationStates)[number];

export const MigrationBytes = Type.Object({
  /** Files sent while the application ran. */
  presync: Type.Integer(),
  /** Files sent while it was frozen. */
  files: Type.Integer(),
  /** criu's images. */
  memory: Type.Integer(),
});
export type MigrationBytes = Type.Static<typeof MigrationBytes>;

/** Milliseconds by the source's clock: durations, never differences between two hosts' clocks. */
export const MigrationPhases = Type.Record(Type.String(), Type.Number());

/** A person's word on a migration that could not end by itself. */
export const Resolution = Type.Object({
  /** Who has the application from then on. */
  to: Type.Enum(['source', 'destination']),
  /** user@machine (process) */
  by: Type.String(),
  at: Type.String(),
});
export type Resolution = Type.Static<typeof Resolution>;

/** When a host has reached a state, by its own clock. */
export const HistoryEntry = Type.Object({
  state: Type.String(),
  at: Type.String(),
  host: Type.String(),
});
export type HistoryEntry = Type.Static<typeof HistoryEntry>;

export const Migration = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal('Migration'),
  metadata: Type.Object({
    name: Type.String(),
    /** Those of its application when it began, to select by. */
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
  spec: Type.Object({
    application: Type.String(),
    from: Type.String(),
    to: Type.String(),
    strategy: Type.String(),
    epoch: Type.Integer(),
  }),
  status: Type.Object({
    /** Which host's journal this is. */
    role: Type.Enum(['source', 'destination']),
    host: Type.String(),
    state: Type.Enum([...new Set([...sourceStates, ...destinationStates])]),
    outcome: Type.Optional(Type.Enum([...migrationOutcomes])),
    startedAt: Type.String(),
    endedAt: Type.Optional(Type.String()),
    /** From lock on to lock off at a roll-back, or to the news of the commit. */
    frozenMs: Type.Optional(Type.Number()),
    phases: Type.Optional(MigrationPhases),
    bytes: Type.Optional(MigrationBytes),
    connections: Type.Optional(Type.Integer()),
    /** What it waits for, and until when; then it ends by itself. Without a time it waits for as long as it takes. */
    awaits: Type.Optional(Type.String()),
    awaitsUntil: Type.Optional(Type.String()),
    /** From then on a person may end the wait, where the other host is lost. */
    resolvableFrom: Type.Optional(Type.String()),
    resolved: Type.Optional(Resolution),
    history: Type.Optional(Type.Array(HistoryEntry)),
    /** The hosts whose journals this was put together from; filled in by who asks several. */
    journals: Type.Optional(Type.Array(Type.String())),
    error: Type.Optional(FaultSchema),
  }),
});
export type Migration = Type.Static<typeof Migration>;

/** What preflight asks of either host; every entry of `problems` stands for one refusal. */
export const PreflightReport = Type.Object({
  problems: Type.Array(Problem),
  warnings: Type.Array(Problem),
});
export type PreflightReport = Type.Static<typeof PreflightReport>;
