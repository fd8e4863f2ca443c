// How migrations come, go on and end, by what their two hosts say.
import type { Event } from '../../contract/events.ts';
import { type Migration, type MigrationStep, migrationSteps } from '../../contract/migration.ts';
import type { MigrationState } from './topology-state.ts';

type Migrations = ReadonlyMap<string, MigrationState>;

const forgetAfterMs = 60_000;

/** The same map where the event says nothing new. */
export function reduceMigrationEvent(migrations: Migrations, event: Event, nowMs: number): Migrations {
  if (!('migration' in event.data) || !('from' in event.data)) return migrations;
  const { migration: id, application, from, to } = event.data;
  const before = migrations.get(id) ?? { id, application, from, to, step: 'presync', startedAtMs: nowMs };
  const after = afterEvent(before, event, nowMs);
  return after ? put(migrations, after, nowMs) : migrations;
}

function afterEvent(before: MigrationState, event: Event, nowMs: number): MigrationState | undefined {
  // Events of two hosts may cross: what has ended does not go on, only the source knows more of it.
  const over = before.endedAtMs !== undefined;
  switch (event.type) {
    case 'migration.started':
      return over ? undefined : { ...atStep(before, 'presync'), strategy: event.data.strategy };
    case 'migration.stepped':
      return over ? undefined : atStep(before, event.data.step);
    case 'migration.progressed': {
      if (over) return undefined;
      const { step, bytes, totalBytes, bytesPerSecond } = event.data;
      return {
        ...atStep(before, step),
        bytes,
        ...(totalBytes === undefined ? {} : { totalBytes }),
        ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      };
    }
    case 'migration.frozen':
      if (over) return undefined;
      return {
        ...atStep(before, 'transfer'),
        frozenAtMs: before.frozenAtMs ?? nowMs,
        connections: event.data.connections,
      };
    case 'migration.transferred': {
      if (over) return undefined;
      const { presync, files, memory } = event.data.bytes;
      return { ...atStep(before, 'restore'), sentBytes: presync + files + memory };
    }
    case 'migration.restored':
      return over ? undefined : atStep(before, 'commit');
    case 'migration.committed':
      return over ? undefined : atStep(before, 'finish');
    case 'migration.finished':
      return {
        ...atStep(before, 'finish'),
        frozenMs: event.data.frozenMs,
        outcome: 'committed',
        endedAtMs: before.endedAtMs ?? nowMs,
      };
    case 'migration.rolled-back':
      return {
        ...before,
        outcome: 'rolled-back',
        endedAtMs: before.endedAtMs ?? nowMs,
        ...(event.data.error ? { error: event.data.error.message } : {}),
      };
    // Only the destination has given up; the source says how it ends.
    case 'migration.aborted':
      return event.data.error && !before.error ? { ...before, error: event.data.error.message } : undefined;
    default:
      return undefined;
  }
}

/** A step has figures of its own; a word about an earlier step comes too late. */
function atStep(before: MigrationState, step: MigrationStep): MigrationState {
  if (migrationSteps.indexOf(step) <= migrationSteps.indexOf(before.step)) return before;
  const { bytes, totalBytes, bytesPerSecond, ...rest } = before;
  return { ...rest, step };
}

/** A destination gets ready: the first that is heard of a migration. */
export function migrationPrepared(
  migrations: Migrations,
  prepared: Pick<MigrationState, 'id' | 'application' | 'from' | 'to'>,
  nowMs: number,
): Migrations {
  if (migrations.has(prepared.id)) return migrations;
  return put(migrations, { ...prepared, step: 'prepare', startedAtMs: nowMs }, nowMs);
}

/** What the journals of the hosts say: unknown ones that are under way are added, known ones that ended are ended. */
export function mergeJournalled(
  migrations: Migrations,
  journals: readonly Migration[],
  nowMs: number,
): Migrations {
  let merged = migrations;
  for (const journal of journals) {
    const known = merged.get(journal.metadata.name);
    const ended = journal.status.outcome !== undefined;
    if (known ? known.endedAtMs !== undefined : ended) continue;
    merged = put(merged, fromJournal(journal, known, nowMs), nowMs);
  }
  return merged;
}

const stepOfState: Partial<Record<Migration['status']['state'], MigrationStep>> = {
  presyncing: 'presync',
  frozen: 'transfer',
  permitted: 'commit',
  prepared: 'prepare',
  restored: 'commit',
  committed: 'finish',
};

function fromJournal(
  { metadata, spec, status }: Migration,
  known: MigrationState | undefined,
  nowMs: number,
) {
  const { application, from, to, strategy } = spec;
  const step = stepOfState[status.state] ?? 'finish';
  const { awaits: _, ...before } = known ?? {
    id: metadata.name,
    ...{ application, from, to },
    step,
    startedAtMs: Date.parse(status.startedAt) || nowMs,
  };
  const frozen = status.state === 'frozen' || status.state === 'permitted';
  return {
    ...atStep(before, step),
    strategy,
    ...(frozen && before.frozenAtMs === undefined ? { frozenAtMs: nowMs } : {}),
    ...(status.awaits ? { awaits: status.awaits } : {}),
    ...(status.outcome ? { outcome: status.outcome, endedAtMs: nowMs } : {}),
    ...(status.frozenMs === undefined ? {} : { frozenMs: status.frozenMs }),
    ...(status.error ? { error: status.error.message } : {}),
  };
}

function put(migrations: Migrations, migration: MigrationState, nowMs: number): Migrations {
  const kept = [...migrations].filter(([, { endedAtMs = nowMs }]) => nowMs - endedAtMs < forgetAfterMs);
  return new Map([...kept, [migration.id, migration]]);
}
