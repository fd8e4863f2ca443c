// What a host writes down of a migration: enough to know after any crash what it had promised.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Fault } from '../../src/contract/fault.ts';
import type { MigrationFacts } from '../../src/contract/methods.ts';
import type {
  DestinationState,
  HistoryEntry,
  Migration,
  MigrationBytes,
  Resolution,
  SourceState,
} from '../../src/contract/migration.ts';
import { apiVersion } from '../../src/contract/protocol.ts';
import { readJsonFile, writeFileDurably } from '../store/durable-file.ts';
import { permitMs } from './resolving.ts';

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
  /** When each state was reached, by this host's clock. */
  history?: HistoryEntry[];
  error?: Fault;
  /** A person's word, which stands in for that of a host that is lost. */
  resolved?: Resolution;
}

export interface SourceRecord extends CommonRecord {
  role: 'source';
  state: SourceState;
  /** Those of the application. */
  labels?: Record<string, string>;
  /** From the lock going on to its coming off, or to the news of the commit. */
  frozenMs?: number;
  bytes: MigrationBytes;
  connections?: number;
  /** RFC 3339: from then on the destination cannot commit any more. */
  permitEndsAt?: string;
}

export interface DestinationRecord extends CommonRecord {
  role: 'destination';
  state: DestinationState;
  facts: MigrationFacts;
  /** The application has become one of this host's. */
  adopted?: boolean;
  /** The source has said that it has let go. */
  confirmed?: boolean;
  /** The source has it after all, by a person's word: this host's copy was stopped and kept aside. */
  setAside?: boolean;
}

export type MigrationRecord = SourceRecord | DestinationRecord;

const ended: readonly string[] = ['finished', 'rolled-back', 'committed', 'aborted'];
export const hasEnded = (record: MigrationRecord): boolean => ended.includes(record.state);

/** Ended, and nothing of it is waited for any more. */
export const isOver = (record: MigrationRecord): boolean =>
  hasEnded(record) && (record.state !== 'committed' || Boolean(record.confirmed || record.setAside));

/** The record with its next state, and when that was. */
export function withState<R extends MigrationRecord>(
  record: R,
  state: R['state'],
  host: string,
  at: string,
): R {
  return { ...record, state, history: [...(record.history ?? []), { state, at, host }] };
}

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

  /** Keeps the newest `keep` of those that are over. */
  async prune(keep = 100): Promise<void> {
    const old = (await this.list()).filter(isOver).slice(0, -keep);
    for (const { id } of old) await rm(join(this.#folder, id), { recursive: true, force: true });
  }
}

const outcomes: Record<string, Migration['status']['outcome']> = {
  finished: 'committed',
  committed: 'committed',
  'rolled-back': 'rolled-back',
  aborted: 'rolled-back',
};

/** What is known of a migration beside its journal. */
export interface Waiting {
  /** RFC 3339: until then the orchestrator has to be heard of. */
  leaseEndsAt?: string | undefined;
  /** A committed destination that has not been told yet whether it may open. */
  awaitsSource?: boolean;
}

/** A record as the resource that people and peers see. */
export function toMigration(record: MigrationRecord, host: string, waiting: Waiting = {}): Migration {
  const outcome =
    record.role === 'destination' && record.setAside
      ? 'rolled-back'
      : waiting.awaitsSource
        ? undefined
        : outcomes[record.state];
  return {
    apiVersion,
    kind: 'Migration',
    metadata: { name: record.id, ...labelsOf(record) },
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
      ...(record.history ? { history: record.history } : {}),
      ...(record.resolved ? { resolved: record.resolved } : {}),
      ...(record.role === 'source'
        ? {
            bytes: record.bytes,
            ...(record.frozenMs === undefined ? {} : { frozenMs: record.frozenMs }),
            ...(record.connections === undefined ? {} : { connections: record.connections }),
          }
        : {}),
      ...awaitsOf(record, waiting),
    },
  };
}

function labelsOf(record: MigrationRecord): { labels?: Record<string, string> } {
  const labels = record.role === 'source' ? record.labels : record.facts.manifest.metadata.labels;
  return labels ? { labels } : {};
}

function awaitsOf(
  record: MigrationRecord,
  { leaseEndsAt, awaitsSource }: Waiting,
): Pick<Migration['status'], 'awaits' | 'awaitsUntil' | 'resolvableFrom'> {
  const { from, to, state, resolved } = record;
  const led = {
    awaits: 'the command that leads it; without word of it the migration turns back',
    ...(leaseEndsAt ? { awaitsUntil: leaseEndsAt } : {}),
  };
  if (record.role === 'source') {
    if (state === 'presyncing' || state === 'frozen') return led;
    if (state !== 'permitted') return {};
    if (resolved) return { awaits: `${from} itself, which does as ${resolved.by} said` };
    return {
      awaits: `the word of ${to}, which may have committed`,
      ...(record.permitEndsAt ? { resolvableFrom: record.permitEndsAt } : {}),
    };
  }
  if (state === 'prepared') return led;
  if (state === 'restored') {
    const restored = record.history?.findLast((each) => each.state === 'restored');
    const until = restored && new Date(Date.parse(restored.at) + permitMs).toISOString();
    return { awaits: `the permit of ${from} to commit`, ...(until ? { awaitsUntil: until } : {}) };
  }
  if (awaitsSource)
    return {
      awaits: `the word of ${from} that it has let go, since ${to} was down in between`,
      resolvableFrom: record.endedAt ?? record.startedAt,
    };
  return {};
}
