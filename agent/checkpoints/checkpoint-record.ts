// What is on disk of a checkpoint beside its images and files: all that a restore must know.
import type { Checkpoint, CheckpointProcess, CheckpointSocket } from '../../src/contract/checkpoint.ts';
import type { CodeFacts } from '../../src/contract/cpu-baseline.ts';
import type { ApplicationUse, MachineFacts } from '../../src/contract/machine.ts';
import { apiVersion } from '../../src/contract/protocol.ts';
import type { ApplicationRecord } from '../store/application-store.ts';

export interface CheckpointRecord {
  id: string;
  reason: Checkpoint['spec']['reason'];
  previous?: string;
  restoredFrom?: string;
  /** Absent where all memory was dumped, or an older agent has taken it; so is the next. */
  memorySince?: string;
  memoryTracked?: boolean;
  takenOn: string;
  createdAt: string;
  /** Milliseconds since the epoch, by the clock of `takenOn`: what changed later is not in it. */
  frozenAtMs: number;
  frozenMs: number;
  connections: number;
  memoryBytes: number;
  fileBytes: number;
  files: number;
  architecture: string;
  kernel: string;
  criu: string;
  /** All that the host told of itself, and what the processes had of it; absent where an older agent has taken it. */
  machine?: MachineFacts;
  uses?: ApplicationUse;
  /** `criu cpuinfo dump` of the host, base64 of cpuinfo.img. */
  cpuinfo: string;
  /** Absent where the application has no baseline. */
  code?: CodeFacts;
  processes: CheckpointProcess[];
  /** Absent where an older agent has taken it. */
  sockets?: CheckpointSocket[];
  /** The application as it was. */
  application: Omit<ApplicationRecord, 'migration' | 'deleting'>;
}

/** What a checkpoint takes on disk. */
export interface DiskUse {
  sizeBytes: number;
  /** Not shared with any other checkpoint. */
  ownBytes: number;
  /** The same of the memory alone, by the sizes of its files. */
  ownMemoryBytes: number;
}

export const applicationOf = (record: CheckpointRecord): string => record.application.manifest.metadata.name;

/** A record as the resource that people see. */
export function toCheckpoint(record: CheckpointRecord, host: string, use: DiskUse): Checkpoint {
  const { application, id, reason, previous, restoredFrom, memorySince, ...rest } = record;
  const { cpuinfo: _, frozenAtMs: __, machine: ___, uses: ____, code: _____, ...facts } = rest;
  const { labels } = application.manifest.metadata;
  return {
    apiVersion,
    kind: 'Checkpoint',
    metadata: { name: id, ...(labels ? { labels } : {}) },
    spec: {
      application: applicationOf(record),
      reason,
      ...(previous ? { previous } : {}),
      ...(restoredFrom ? { restoredFrom } : {}),
      ...(memorySince ? { memorySince } : {}),
    },
    status: {
      host,
      ...facts,
      sockets: record.sockets ?? [],
      ...use,
      // criu's log may have grown since
      ownMemoryBytes: Math.min(use.ownMemoryBytes, record.memoryBytes),
      epoch: application.epoch,
      address: application.address,
      images: application.images,
    },
  };
}
