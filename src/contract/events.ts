// Events: what has happened, in the past tense. Kept ones travel with `log.…`, figures that soon are stale with `stat.…`.
import Type from 'typebox';
import { Finding } from './diagnosis.ts';
import { FaultSchema } from './fault.ts';
import { ContainerStatistics, HostRecord, HostStatistics } from './host.ts';
import { MigrationBytes, migrationSteps, Resolution } from './migration.ts';
import { Places } from './place.ts';

const Subject = { application: Type.String() };
const OfContainer = Type.Object({ ...Subject, container: Type.String() });
const OfApplication = Type.Object(Subject);
const OfCheckpoint = { ...Subject, checkpoint: Type.String() };
const OfMigration = {
  ...Subject,
  migration: Type.String(),
  from: Type.String(),
  to: Type.String(),
};

/** Type -> schema of `data`, and whether it is a mere figure (`stat`), which is not kept. */
export const events = {
  'agent.started': { data: Type.Object({ version: Type.String() }) },
  'agent.stopped': { data: Type.Object({}) },
  /** Some time after the agent's start; only what is not well. */
  'host.diagnosed': { data: Type.Object({ findings: Type.Array(Finding) }) },
  /** It takes no further application, or does again; `by` is user@machine (process). */
  'host.cordoned': { data: Type.Object({ by: Type.String() }) },
  'host.uncordoned': { data: Type.Object({ by: Type.String() }) },
  'host.heard': { data: Type.Object({ host: HostRecord }), stat: true },
  /** Every few seconds, and at every change: all applications that it has. */
  'host.placed': { data: Type.Object({ places: Places }), stat: true },
  'host.measured': {
    data: Type.Object({ statistics: HostStatistics, containers: Type.Array(ContainerStatistics) }),
    stat: true,
  },
  'image.received': { data: Type.Object({ digest: Type.String(), sizeBytes: Type.Integer() }) },
  'image.removed': { data: Type.Object({ digest: Type.String(), sizeBytes: Type.Integer() }) },
  'image.progressed': {
    data: Type.Object({
      digest: Type.String(),
      to: Type.String(),
      bytes: Type.Integer(),
      bytesPerSecond: Type.Number(),
    }),
    stat: true,
  },
  'application.deployed': { data: Type.Object({ ...Subject, address: Type.String() }) },
  'application.started': { data: OfApplication },
  'application.stopped': { data: OfApplication },
  'application.deleted': { data: OfApplication },
  /** Another host has a newer claim: this host's copy was stopped, and its files were put aside. */
  'application.fenced': {
    data: Type.Object({
      ...Subject,
      epoch: Type.Integer(),
      /** Who has it, and by which epoch. */
      owner: Type.String(),
      ownerEpoch: Type.Integer(),
      /** Where its files are now, on the host that says so. */
      folder: Type.String(),
    }),
  },
  /** Its way to the world, a host, is not heard any more; or is again. */
  'application.cut-off': { data: Type.Object({ ...Subject, egress: Type.String() }) },
  'application.connected': { data: Type.Object({ ...Subject, egress: Type.String() }) },
  /** Published at every change of its status; the data is the whole status. */
  'application.changed': { data: Type.Object({ ...Subject, status: Type.Unknown() }), stat: true },
  'container.started': { data: OfContainer },
  'container.ready': { data: OfContainer },
  'container.exited': { data: Type.Object({ ...OfContainer.properties, exitCode: Type.Integer() }) },
  'container.restarted': { data: Type.Object({ ...OfContainer.properties, restarts: Type.Integer() }) },
  'checkpoint.taken': { data: Type.Object({ ...OfCheckpoint, frozenMs: Type.Number() }) },
  'checkpoint.restored': {
    data: Type.Object({ ...OfCheckpoint, frozenMs: Type.Number(), kept: Type.Optional(Type.String()) }),
  },
  /** One that its schedule asked for. */
  'checkpoint.failed': { data: Type.Object({ ...Subject, error: FaultSchema }) },
  'checkpoint.deleted': { data: Type.Object(OfCheckpoint) },
  'migration.started': { data: Type.Object({ ...OfMigration, strategy: Type.String() }) },
  'migration.stepped': { data: Type.Object({ ...OfMigration, step: Type.Enum([...migrationSteps]) }) },
  'migration.progressed': {
    data: Type.Object({
      ...OfMigration,
      step: Type.Enum([...migrationSteps]),
      bytes: Type.Integer(),
      totalBytes: Type.Optional(Type.Integer()),
      bytesPerSecond: Type.Optional(Type.Number()),
    }),
    stat: true,
  },
  'migration.frozen': { data: Type.Object({ ...OfMigration, connections: Type.Integer() }) },
  'migration.transferred': { data: Type.Object({ ...OfMigration, bytes: MigrationBytes }) },
  'migration.restored': { data: Type.Object(OfMigration) },
  'migration.committed': { data: Type.Object(OfMigration) },
  'migration.finished': { data: Type.Object({ ...OfMigration, frozenMs: Type.Number() }) },
  'migration.rolled-back': { data: Type.Object({ ...OfMigration, error: Type.Optional(FaultSchema) }) },
  'migration.aborted': { data: Type.Object({ ...OfMigration, error: Type.Optional(FaultSchema) }) },
  /** By a person, since it could not end by itself. */
  'migration.resolved': { data: Type.Object({ ...OfMigration, resolution: Resolution }) },
  'operation.ended': {
    data: Type.Object({
      operation: Type.String(),
      method: Type.String(),
      result: Type.Optional(Type.Unknown()),
      fault: Type.Optional(Type.Unknown()),
    }),
    stat: true,
  },
} as const;

export type EventType = keyof typeof events;
export type EventData<T extends EventType> = Type.Static<(typeof events)[T]['data']>;

/** One event as it travels. */
export type Event<T extends EventType = EventType> = {
  [K in EventType]: {
    id: string;
    type: K;
    /** RFC 3339, by the clock of `host`. */
    time: string;
    /** Who says so. */
    host: string;
    data: EventData<K>;
  };
}[T];

/** The schema of what is around `data`. */
export const EventEnvelope = Type.Object({
  id: Type.String(),
  type: Type.Enum(Object.keys(events) as EventType[]),
  time: Type.String(),
  host: Type.String(),
  data: Type.Object({}, { additionalProperties: true }),
});

/** The routing key of an event: `log.application.started.host-a`. */
export const routingKey = (type: EventType, host: string): string =>
  `${'stat' in events[type] ? 'stat' : 'log'}.${type}.${host}`;
