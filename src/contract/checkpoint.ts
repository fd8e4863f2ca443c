// The Checkpoint: an application at one instant, memory and files, kept on the host on which it was taken.
import Type from 'typebox';
import { Problem } from './fault.ts';
import { apiVersion, namePattern } from './protocol.ts';

/** Why it was taken: somebody asked for it, the application's schedule, or a restore that replaced what ran. */
export const checkpointReasons = ['asked', 'schedule', 'restore'] as const;

export const CheckpointProcess = Type.Object({
  container: Type.String(),
  /** By the numbers of the host on which it ran. */
  pid: Type.Integer(),
  command: Type.String(),
  memoryBytes: Type.Integer(),
});
export type CheckpointProcess = Type.Static<typeof CheckpointProcess>;

export const CheckpointSocket = Type.Object({
  container: Type.String(),
  /** The process that has it open, or the first of them, by the numbers of the host on which it ran. */
  pid: Type.Integer(),
  protocol: Type.Enum(['tcp', 'udp', 'unix']),
  /** As RFC 9293 names them; UNCONNECTED for what has no peer, and does not listen either. */
  state: Type.String(),
  /** `ADDRESS:PORT`, or the path of a Unix socket, `@` for an abstract one, `*` for one without a name. */
  local: Type.String(),
  peer: Type.Optional(Type.String()),
  /** What the peer had not acknowledged, and what the program had not read. Not known of a Unix socket. */
  sendQueueBytes: Type.Integer(),
  receiveQueueBytes: Type.Integer(),
});
export type CheckpointSocket = Type.Static<typeof CheckpointSocket>;

export const Checkpoint = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal('Checkpoint'),
  metadata: Type.Object({
    name: Type.String({ pattern: namePattern }),
    /** Those of its application at that time, to select by. */
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
  spec: Type.Object({
    application: Type.String(),
    reason: Type.Enum([...checkpointReasons]),
    /** The checkpoint before it, with which it shares the files that are the same. */
    previous: Type.Optional(Type.String()),
    /** The checkpoint that the application had been restored from, where it had been. */
    restoredFrom: Type.Optional(Type.String()),
    /** The checkpoint whose memory it builds upon: of its own it has what was written to since. Absent: all of it. */
    memorySince: Type.Optional(Type.String()),
  }),
  status: Type.Object({
    /** Where it is kept. */
    host: Type.String(),
    /** Where it was taken. */
    takenOn: Type.String(),
    createdAt: Type.String(),
    epoch: Type.Integer(),
    address: Type.String(),
    /** How long the application stood still for it. */
    frozenMs: Type.Number(),
    /** Established connections with peers outside the application. */
    connections: Type.Integer(),
    /** Of the containers' memory, as criu wrote it. */
    memoryBytes: Type.Integer(),
    /** What of the memory no other checkpoint has. */
    ownMemoryBytes: Type.Optional(Type.Integer()),
    /** Whether the kernel marks what is written to, so that the next one may build upon this one. */
    memoryTracked: Type.Optional(Type.Boolean()),
    fileBytes: Type.Integer(),
    files: Type.Integer(),
    /** On disk; `ownBytes` of them are no other checkpoint's. */
    sizeBytes: Type.Integer(),
    ownBytes: Type.Integer(),
    /** Container name -> digest of its image. */
    images: Type.Record(Type.String(), Type.String()),
    architecture: Type.String(),
    kernel: Type.String(),
    criu: Type.String(),
    processes: Type.Array(CheckpointProcess),
    sockets: Type.Array(CheckpointSocket),
  }),
});
export type Checkpoint = Type.Static<typeof Checkpoint>;

/** How a restore went. */
export const RestoreResult = Type.Object({
  application: Type.String(),
  checkpoint: Type.String(),
  host: Type.String(),
  epoch: Type.Integer(),
  /** From the moment at which what ran before stood still; 0 where nothing ran. */
  frozenMs: Type.Number(),
  /** Connections of the checkpoint whose peers are not in it: they were closed. */
  closedConnections: Type.Integer(),
  /** The checkpoint of what ran before. */
  kept: Type.Optional(Type.String()),
  /** What is known to go otherwise on that host than where it was taken; filled in by who asked beforehand. */
  warnings: Type.Optional(Type.Array(Problem)),
});
export type RestoreResult = Type.Static<typeof RestoreResult>;
