// The RPC methods of an agent: name -> schema of what goes in and comes out. Both ends check with the same schema.
import Type from 'typebox';
import { Application, ApplicationManifest } from './application.ts';
import { Checkpoint, RestoreResult } from './checkpoint.ts';
import { CodeFacts } from './cpu-baseline.ts';
import { Finding } from './diagnosis.ts';
import { Problem } from './fault.ts';
import { Host, HostRecord, KnownHost } from './host.ts';
import { Image } from './image.ts';
import { ApplicationUse, MachineFacts } from './machine.ts';
import { Migration, MigrationBytes, MigrationPhases, PreflightReport } from './migration.ts';
import { KnownPlace, Places } from './place.ts';
import { addressPattern, namePattern } from './protocol.ts';
import { TerminalRequest, TerminalSize } from './terminal.ts';

const strict = { additionalProperties: false };
const Name = Type.String({ pattern: namePattern });
export const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' });
/** Lower-case, so that it may be a path segment; made by the orchestrator. */
export const MigrationId = Type.String({ pattern: '^m-[a-z0-9]{8,32}$' });
const Nothing = Type.Object({});
/** Text that is kept in journals and memories: nobody may fill them with it. */
const Text = (maxLength: number) => Type.String({ maxLength });
/** Of this kind: `crypto.randomUUID()`. */
const UploadId = Type.String({ pattern: '^[0-9a-f-]{36}$' });
const SessionName = Text(64);
/** An hour: beyond it nobody waits for a lost orchestrator. */
const LeaseMs = Type.Integer({ minimum: 1000, maximum: 3_600_000 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** The longest reason that `migration.abort` takes. */
export const longestReason = 4000;
/** Container name -> digest of its image. */
const Images = Type.Record(Name, Digest);
const SizedImage = Type.Object({ digest: Digest, sizeBytes: Count });
/** As many as overlayfs lays over one another. */
const Layers = Type.Array(Digest, { minItems: 1, maxItems: 500 });
const OfApplication = Type.Object({ name: Name }, strict);
const OfMigration = Type.Object({ migration: MigrationId }, strict);
const OfCheckpoint = Type.Object({ checkpoint: Name }, strict);

/** What the destination must know of an application before it can take it. */
export const MigrationFacts = Type.Object({
  manifest: ApplicationManifest,
  images: Images,
  epoch: Count,
  createdAt: Text(64),
  address: Type.String({ pattern: addressPattern }),
  mac: Type.String({ pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' }),
  ...MachineFacts.properties,
  uses: Type.Optional(ApplicationUse),
  protocolVersion: Count,
  /** `criu cpuinfo dump` of the source, base64 of cpuinfo.img. */
  cpuinfo: Text(1024 * 1024),
  /** What its CPU can do beyond every other, by the kernel's names; absent of an agent that does not tell. */
  instructions: Type.Optional(Type.Array(Text(64), { maxItems: 1000 })),
  /** Absent where it has no baseline. */
  code: Type.Optional(CodeFacts),
  memoryBytes: Count,
  diskBytes: Count,
  /** Established TCP connections with peers outside the application. */
  connections: Count,
});
export type MigrationFacts = Type.Static<typeof MigrationFacts>;

/**
 * A short method answers with its result. A `long` one answers `{accepted: true}` at once and ends with the event
 * `operation.ended`, whose operation is the id of the request; `operation.get` tells the same to who missed it.
 * A `stream` one answers `{accepted: true}` and sends frames to the session queue named in the request.
 */
export const methods = {
  'agent.describe': { params: Nothing, result: Host },
  'host.list': { params: Nothing, result: Type.Object({ hosts: Type.Array(KnownHost) }) },
  /** The applications that it has: for whoever missed an event. */
  'host.places': { params: Nothing, result: Type.Object({ places: Places }) },
  /** What it knows of all hosts' applications, also of hosts that have fallen silent. */
  'host.known-places': { params: Nothing, result: Type.Object({ places: Type.Array(KnownPlace) }) },
  /** What its clock says: for whoever asks how far two are apart. */
  'host.clock': { params: Nothing, result: Type.Object({ timeMs: Type.Integer() }) },
  /** Those that its own programs have, such as 22/tcp. */
  'host.ports': { params: Nothing, result: Type.Object({ taken: Type.Array(Type.String()) }) },
  'host.put': { params: Type.Object({ host: HostRecord }, strict), result: Nothing },
  /** Whether the host takes further applications; kept on its disk. */
  'host.cordon': {
    params: Type.Object({ unschedulable: Type.Boolean() }, strict),
    result: Type.Object({ changed: Type.Boolean() }),
  },
  /** A new key pair with which it sends to its peers, who hear of it at once. */
  'host.rotate-key': { params: Nothing, result: Type.Object({ transferKey: Type.String() }) },
  /** The host looks at itself, with a dump and a restore. */
  'host.diagnose': { params: Nothing, result: Type.Object({ findings: Type.Array(Finding) }), long: true },
  'operation.get': {
    params: Type.Object({ operation: Text(64) }, strict),
    result: Type.Object({
      state: Type.Enum(['running', 'done', 'failed', 'unknown']),
      result: Type.Optional(Type.Unknown()),
      fault: Type.Optional(Type.Unknown()),
    }),
  },

  'image.describe': {
    params: Type.Object({ digest: Digest }, strict),
    result: Type.Object({ present: Type.Boolean(), sizeBytes: Type.Optional(Type.Integer()) }),
  },
  /** Makes an image of layers, the base first, or says which of them the host lacks: those are to be sent, then it is asked again. */
  'image.put': {
    params: Type.Object({ digest: Digest, layers: Layers, source: Type.Optional(Text(1024)) }, strict),
    result: Type.Object({ missing: Type.Array(Digest) }),
  },
  /** Begins an upload of a layer: of a tar stream whose SHA-256 is the digest. */
  'image.upload.begin': {
    params: Type.Object({ digest: Digest }, strict),
    result: Type.Object({ upload: Type.String() }),
  },
  'image.upload.chunk': {
    params: Type.Object({ upload: UploadId, sequence: Count, data: Type.String() }, strict),
    result: Nothing,
  },
  /** Nothing more of it comes: what came is removed at once. No fault where there is no such upload, or it is being ended. */
  'image.upload.abort': { params: Type.Object({ upload: UploadId }, strict), result: Nothing },
  /** Refused with `invalid` where the digest of what came is another one. */
  'image.upload.end': { params: Type.Object({ upload: UploadId }, strict), result: Nothing },
  /** The host pushes an image to a peer by rsync: those of its layers that the peer lacks. */
  'image.send': {
    params: Type.Object({ digest: Digest, to: Name, migration: Type.Optional(MigrationId) }, strict),
    result: Type.Object({ bytes: Type.Integer() }),
    long: true,
  },

  'image.list': { params: Nothing, result: Type.Object({ images: Type.Array(Image) }) },
  /** Removes what no application uses and nobody is about to use, then the layers of which no image is made. */
  'image.prune': {
    params: Type.Object({ dryRun: Type.Optional(Type.Boolean()) }, strict),
    result: Type.Object({
      removed: Type.Array(SizedImage),
      kept: Type.Array(SizedImage),
      layers: Type.Array(SizedImage),
    }),
    long: true,
  },

  'application.list': { params: Nothing, result: Type.Object({ applications: Type.Array(Application) }) },
  'application.get': { params: OfApplication, result: Application },
  /** Creates and starts, and ends when all containers are ready; an equal manifest changes nothing. */
  'application.deploy': {
    params: Type.Object(
      { manifest: ApplicationManifest, images: Images, address: Type.String({ pattern: addressPattern }) },
      strict,
    ),
    result: Application,
    long: true,
  },
  'application.start': { params: OfApplication, result: Application, long: true },
  'application.stop': { params: OfApplication, result: Application, long: true },
  'application.delete': { params: OfApplication, result: Nothing, long: true },
  'application.logs': {
    params: Type.Object(
      {
        name: Name,
        container: Type.Optional(Name),
        /** Lines from the end; all where absent. */
        tail: Type.Optional(Type.Integer({ minimum: 0 })),
        follow: Type.Optional(Type.Boolean()),
        since: Type.Optional(Text(64)),
        session: SessionName,
      },
      strict,
    ),
    result: Nothing,
    stream: true,
  },
  'application.exec': {
    params: Type.Object(
      {
        name: Name,
        container: Type.Optional(Name),
        command: Type.Array(Type.String(), { minItems: 1 }),
        stdin: Type.Optional(Type.Boolean()),
        /** Absent: pipes, output and error output apart. */
        terminal: Type.Optional(TerminalRequest),
        session: SessionName,
      },
      strict,
    ),
    result: Nothing,
    stream: true,
  },
  /** Input to a stream's process; `end` closes it, `size` is that of the client's terminal from now on. */
  'session.input': {
    params: Type.Object(
      {
        session: SessionName,
        data: Type.Optional(Type.String()),
        end: Type.Optional(Type.Boolean()),
        size: Type.Optional(TerminalSize),
      },
      strict,
    ),
    result: Nothing,
  },
  'session.close': { params: Type.Object({ session: SessionName }, strict), result: Nothing },

  'checkpoint.list': { params: Nothing, result: Type.Object({ checkpoints: Type.Array(Checkpoint) }) },
  'checkpoint.get': { params: OfCheckpoint, result: Checkpoint },
  /** All containers stand still for a moment while their memory and files are captured. */
  'checkpoint.take': {
    params: Type.Object(
      {
        application: Name,
        /** How it will be called. */
        checkpoint: Name,
        /** It is stopped instead of running on. */
        stop: Type.Optional(Type.Boolean()),
      },
      strict,
    ),
    result: Checkpoint,
    long: true,
  },
  /** Refused with the name of the first file that is not as it was. */
  'checkpoint.verify': {
    params: OfCheckpoint,
    /** With what is known to go otherwise on this host than where it was taken. */
    result: Type.Object({ ...Checkpoint.properties, warnings: Type.Optional(Type.Array(Problem)) }),
    long: true,
  },
  /** The application of the checkpoint is set back to it, here. */
  'checkpoint.restore': {
    params: Type.Object(
      {
        checkpoint: Name,
        /** What runs before is kept as this checkpoint … */
        keepAs: Name,
        /** … unless it is given up. */
        discardCurrent: Type.Optional(Type.Boolean()),
        /** Of claims of other hosts, so that this one is newer. */
        epochAbove: Type.Optional(Count),
      },
      strict,
    ),
    result: RestoreResult,
    long: true,
  },
  /** The host pushes it to a peer by rsync, where it is verified and kept too. */
  'checkpoint.send': {
    params: Type.Object({ checkpoint: Name, to: Name }, strict),
    result: Type.Object({ bytes: Type.Integer() }),
    long: true,
  },
  /** Host to host: make room for one that is about to come … */
  'checkpoint.expect': { params: OfCheckpoint, result: Nothing },
  /** … and keep what has come, if it is whole. */
  'checkpoint.take-in': { params: OfCheckpoint, result: Checkpoint, long: true },
  /** Sends it as one archive, in frames of output. */
  'checkpoint.export': {
    params: Type.Object({ checkpoint: Name, session: SessionName }, strict),
    result: Nothing,
    stream: true,
  },
  /** Takes such an archive as its input, and answers with the checkpoint (JSON, as output). */
  'checkpoint.import': {
    params: Type.Object({ session: SessionName }, strict),
    result: Nothing,
    stream: true,
  },
  'checkpoint.delete': { params: OfCheckpoint, result: Nothing, long: true },

  'migration.preflight.source': {
    params: Type.Object({ application: Name, to: Name }, strict),
    result: Type.Object({ report: PreflightReport, facts: Type.Optional(MigrationFacts) }),
  },
  'migration.preflight.destination': {
    params: Type.Object({ from: Name, facts: MigrationFacts }, strict),
    result: Type.Object({ report: PreflightReport }),
  },
  /** Destination: directories and a network namespace that is locked from its first moment. */
  'migration.prepare': {
    params: Type.Object(
      {
        migration: MigrationId,
        strategy: Text(64),
        from: Name,
        facts: MigrationFacts,
        leaseMs: LeaseMs,
      },
      strict,
    ),
    result: Nothing,
    long: true,
  },
  /** Source: opens its journal, then sends files while the application runs. */
  'migration.presync': {
    params: Type.Object(
      {
        migration: MigrationId,
        strategy: Text(64),
        application: Name,
        to: Name,
        leaseMs: LeaseMs,
      },
      strict,
    ),
    result: Type.Object({ bytes: Type.Integer(), rounds: Type.Integer() }),
    long: true,
  },
  /** Source: lock, dump, hold (event `migration.frozen`), then transfer (ends the operation). */
  'migration.freeze': {
    params: OfMigration,
    result: Type.Object({ phases: MigrationPhases, bytes: MigrationBytes, connections: Type.Integer() }),
    long: true,
  },
  /** Destination: restore and hold (event `migration.restored`), ask the source's permit, commit (ends the operation). */
  'migration.restore': { params: OfMigration, result: Type.Object({ phases: MigrationPhases }), long: true },
  /** Destination to source. From the answer on only the destination's word ends the migration. */
  'migration.permit': {
    params: Type.Object(
      {
        migration: MigrationId,
        /** The destination commits within so long from now, or never. */
        withinMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000 })),
      },
      strict,
    ),
    result: Nothing,
  },
  /** Source: the destination has committed; the frozen processes end and their files go. */
  'migration.finish': { params: OfMigration, result: Migration, long: true },
  /** Either host; answers with how it truly ended, which may be a commit. */
  'migration.abort': {
    params: Type.Object({ migration: MigrationId, reason: Text(longestReason) }, strict),
    result: Migration,
    long: true,
  },
  /**
   * A person's word, where a host that waits for the other's would wait for ever. Refused with `conflict` wherever it
   * could make a second copy. `confirmed`: the person was told that this host's copy is given up.
   */
  'migration.resolve': {
    params: Type.Object(
      {
        migration: MigrationId,
        to: Type.Enum(['source', 'destination']),
        confirmed: Type.Optional(Type.Boolean()),
      },
      strict,
    ),
    result: Migration,
    long: true,
  },
  /** The orchestrator lives: the lease goes on. */
  'migration.renew': { params: OfMigration, result: Nothing },
  'migration.get': { params: OfMigration, result: Migration },
  'migration.list': { params: Nothing, result: Type.Object({ migrations: Type.Array(Migration) }) },
} as const;

export type MethodName = keyof typeof methods;
export type Params<M extends MethodName> = Type.Static<(typeof methods)[M]['params']>;
export type Result<M extends MethodName> = Type.Static<(typeof methods)[M]['result']>;

/** The methods of one way of answering. */
export type LongMethodName = {
  [M in MethodName]: (typeof methods)[M] extends { long: true } ? M : never;
}[MethodName];
export type StreamMethodName = {
  [M in MethodName]: (typeof methods)[M] extends { stream: true } ? M : never;
}[MethodName];
export type ShortMethodName = Exclude<MethodName, LongMethodName | StreamMethodName>;

/** One frame of a stream. A stream ends with exactly one `end`. */
export const Frame = Type.Union([
  Type.Object({
    type: Type.Literal('output'),
    stream: Type.Enum(['stdout', 'stderr']),
    data: Type.String({ description: 'base64' }),
  }),
  Type.Object({
    type: Type.Literal('log'),
    container: Type.String(),
    stream: Type.Enum(['stdout', 'stderr']),
    time: Type.String(),
    line: Type.String(),
  }),
  Type.Object({
    type: Type.Literal('end'),
    exitCode: Type.Optional(Type.Integer()),
    fault: Type.Optional(Type.Unknown()),
  }),
]);
export type Frame = Type.Static<typeof Frame>;
