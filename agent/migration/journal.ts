// What a host writes down of a migration: enough to know after any crash what it had promised.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fault } from '../../src/contract/fault.ts';
import type { MigrationFacts } from '../../src/contract/methods.ts';
import type {
  DestinationState,
  Migration,
  MigrationBytes,
  SourceState,
} from '../../src/contract/migration.ts';
import { apiVersion } from '../../src/contract/protocol.ts';
import { readJsonFile, writeFileDurably } from '../store/durable-file.ts';

interface CommonRecord {
  id: string;
  application: string;
  from: string;
  to: string;
  strategy: string;
  /** The epoch that the destination's copy has. */
  epoch: number;
  startedAt: string;
  endedAt?: string;
  /** Milliseconds by this host's clock. */
  phases: Record<string, number>;
  error?: Fault;
}

export interface SourceRecord extends CommonRecord {
  role: 'source';
  state: SourceState;
  /** From the lock going on to its coming off, or to the news of the commit. */
  frozenMs?: number;
  bytes: MigrationBytes;
  connections?: number;
}

export interface DestinationRecord extends CommonRecord {
  role: 'destination';
  state: DestinationState;
  facts: MigrationFacts;
}

export type MigrationRecord = SourceRecord | DestinationRecord;

const ended: readonly string[] = ['finished', 'rolled-back', 'committed', 'aborted'];
export const hasEnded = (record: MigrationRecord): boolean => ended.includes(record.state);

/** The journals of one host, one file a migration. */
export class MigrationJournal {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  file(id: string): string {
    return join(this.#folder, id, 'journal.json');
  }

  /** Where the source's images of the containers' memory stand until the outcome is known. */
  imagesFolder(id: string): string {
    return join(this.#folder, id, 'images');
  }

  async save(record: MigrationRecord): Promise<void> {
    await mkdir(dirname(this.file(record.id)), { recursive: true });
    await writeFileDurably(this.file(record.id), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  async get(id: string): Promise<MigrationRecord | undefined> {
    return await readJsonFile<MigrationRecord>(this.file(id));
  }

  /** Oldest first. */
  async list(): Promise<MigrationRecord[]> {
    const ids = await readdir(this.#folder).catch(() => []);
    const records = await Promise.all(ids.map((id) => this.get(id)));
    return records
      .filter((record) => record !== undefined)
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  /** Keeps the newest `keep` of those that ended. */
  async prune(keep = 100): Promise<void> {
    const old = (await this.list()).filter(hasEnded).slice(0, -keep);
    for (const { id } of old) await rm(join(this.#folder, id), { recursive: true, force: true });
  }
}

const outcomes: Record<string, Migration['status']['outcome']> = {
  finished: 'committed',
  committed: 'committed',
  'rolled-back': 'rolled-back',
  aborted: 'rolled-back',
};

/** A record as the resource that people and peers see. */
export function toMigration(record: MigrationRecord, host: string): Migration {
  const outcome = outcomes[record.state];
  return {
    apiVersion,
    kind: 'Migration',
    metadata: { name: record.id },
    spec: {
      application: record.application,
      from: record.from,
      to: record.to,
      strategy: record.strategy,
      epoch: record.epoch,
    },
    status: {
      role: record.role,
      host,
      state: record.state,
      startedAt: record.startedAt,
      phases: record.phases,
      ...(outcome ? { outcome } : {}),
      ...(record.endedAt ? { endedAt: record.endedAt } : {}),
      ...(record.error ? { error: record.error as never } : {}),
      ...(record.role === 'source'
        ? {
            bytes: record.bytes,
            ...(record.frozenMs === undefined ? {} : { frozenMs: record.frozenMs }),
            ...(record.connections === undefined ? {} : { connections: record.connections }),
          }
        : {}),
      ...(record.state === 'permitted'
        ? { awaits: `the word of ${record.to}, which may have committed` }
        : {}),
    },
  };
}
