// How migrations come, go on and end, by what their orchestrator does and what their two hosts say and have written down.
import type { Event } from '../../contract/events.ts';
import { imageName } from '../../contract/image.ts';
import {
  type Migration,
  type MigrationIdentity,
  type MigrationStep,
  migrationSteps,
} from '../../contract/migration.ts';
import type { ProgressEvent } from '../../core/progress.ts';
import { isRunning } from './conditions.ts';
import { changeable, type Draft } from './draft.ts';
import { type MigrationState, noCourse } from './read-model.ts';
import { reduceCourse } from './reduce-course.ts';

type Migrations = ReadonlyMap<string, MigrationState>;

const forgetAfterMs = 60_000;

/** The same map where the event says nothing new. */
export function afterMigrationEvent(
  migrations: Migrations,
  event: Event,
  nowMs: number,
  draft: Draft,
): Migrations {
  if (event.type === 'image.progressed') return afterImageProgress(migrations, event, nowMs, draft);
  if (!('migration' in event.data) || !('from' in event.data)) return migrations;
  const before = migrations.get(event.data.migration) ?? newMigration(event.data, 'presync', nowMs);
  const after = afterEvent(before, event, nowMs);
  return after ? put(migrations, after, draft) : migrations;
}

/** What the orchestrator of a migration does, where that is this process. */
export function afterOrchestratorStep(
  migrations: Migrations,
  identity: MigrationIdentity,
  event: ProgressEvent,
  nowMs: number,
  draft: Draft,
): Migrations {
  const before = migrations.get(identity.migration) ?? newMigration(identity, 'preflight', nowMs);
  const reached = event.type === 'begun' ? begunBy(before, event.step) : before;
  if (!reached) return migrations;
  return put(migrations, { ...reached, course: reduceCourse(reached.course, event, nowMs) }, draft);
}

/** A destination gets ready: the first that others hear of a migration. */
export function afterPreparation(
  migrations: Migrations,
  identity: MigrationIdentity,
  nowMs: number,
  draft: Draft,
): Migrations {
  if (migrations.has(identity.migration)) return migrations;
  return put(migrations, atStep(newMigration(identity, 'prepare', nowMs), 'prepare', nowMs), draft);
}

/** What the journals of the hosts say; those that only a silent host can tell of stay. */
export function mergeJournalled(
  migrations: Migrations,
  journals: readonly Migration[],
  silent: ReadonlySet<string>,
  nowMs: number,
): Migrations {
  const told = new Map(journals.map((journal) => [journal.metadata.name, journal]));
  const isKept = ({ id, journal, endedAtMs = nowMs }: MigrationState): boolean => {
    if (told.has(id)) return true;
    return journal ? silent.has(journal.status.host) : nowMs - endedAtMs < forgetAfterMs;
  };
  const merged = new Map([...migrations].filter(([, migration]) => isKept(migration)));
  for (const [id, journal] of told) merged.set(id, withJournal(journal, merged.get(id), nowMs));
  return merged;
}

const newMigration = (
  { migration, application, from, to }: MigrationIdentity,
  step: MigrationStep,
  nowMs: number,
): MigrationState => ({
  ...{ id: migration, application, from, to, step },
  course: noCourse,
  startedAtMs: nowMs,
});

const put = (migrations: Migrations, migration: MigrationState, draft: Draft): Migrations =>
  changeable(migrations, draft).set(migration.id, migration);

function afterEvent(before: MigrationState, event: Event, nowMs: number): MigrationState | undefined {
  // Events of two hosts may cross: what has ended does not go on, only the source knows more of it.
  const over = !isRunning(before);
  switch (event.type) {
    case 'migration.finished': {
      const last = over ? before : ended(atStep(before, 'finish', nowMs), { type: 'ended' }, nowMs);
      const { frozenMs } = event.data;
      return { ...last, frozenMs, outcome: 'committed', endedAtMs: before.endedAtMs ?? nowMs };
    }
    case 'migration.rolled-back': {
      const error = event.data.error?.message;
      const last = over
        ? before
        : ended(before, { type: 'failed', ...(error ? { note: error } : {}) }, nowMs);
      return {
        ...last,
        outcome: 'rolled-back',
        endedAtMs: before.endedAtMs ?? nowMs,
        ...(error ? { error } : {}),
      };
    }
    // Only the destination has given up; the source says how it ends.
    case 'migration.aborted':
      return event.data.error && !before.error ? { ...before, error: event.data.error.message } : undefined;
    default:
      return over ? undefined : afterStepEvent(before, event, nowMs);
  }
}

function afterStepEvent(before: MigrationState, event: Event, nowMs: number): MigrationState | undefined {
  switch (event.type) {
    case 'migration.started':
      return { ...atStep(before, 'presync', nowMs), strategy: event.data.strategy };
    case 'migration.stepped':
      return atStep(before, event.data.step, nowMs);
    case 'migration.progressed': {
      const { step, bytes, totalBytes, bytesPerSecond } = event.data;
      const figures = {
        bytes,
        ...(totalBytes === undefined ? {} : { totalBytes }),
        ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      };
      return withFigures(atStep(before, step, nowMs), step, figures, nowMs);
    }
    case 'migration.frozen':
      return {
        ...atStep(before, 'transfer', nowMs),
        frozenAtMs: before.frozenAtMs ?? nowMs,
        connections: event.data.connections,
      };
    case 'migration.transferred': {
      const { presync, files, memory } = event.data.bytes;
      return { ...atStep(before, 'restore', nowMs), sentBytes: presync + files + memory };
    }
    case 'migration.restored':
      return atStep(before, 'commit', nowMs);
    case 'migration.committed':
      return atStep(before, 'finish', nowMs);
    default:
      return undefined;
  }
}

/** An image goes ahead of whatever migration gets ready between these two hosts. */
function afterImageProgress(
  migrations: Migrations,
  { host, data: { to, digest, bytes, bytesPerSecond } }: Event<'image.progressed'>,
  nowMs: number,
  draft: Draft,
): Migrations {
  const figures = { bytes, bytesPerSecond, note: `image ${imageName(digest)}` };
  return [...migrations.values()]
    .filter((each) => isRunning(each) && each.step === 'prepare' && each.from === host && each.to === to)
    .reduce((all, each) => put(all, withFigures(each, 'prepare', figures, nowMs), draft), migrations);
}

const indexOf = (step: MigrationStep): number => migrationSteps.indexOf(step);

/** Undefined for a step that the hosts have already passed; a roll-back is none of the steps on the way. */
function begunBy(before: MigrationState, name: string): MigrationState | undefined {
  const step = migrationSteps.find((each) => each === name);
  if (!step) return before;
  return indexOf(step) < indexOf(before.step) ? undefined : { ...before, step };
}

/** What comes after is begun only when what comes before has ended; a word about an earlier step comes too late. */
function atStep(before: MigrationState, step: MigrationStep, nowMs: number): MigrationState {
  if (indexOf(step) < indexOf(before.step)) return before;
  if (step === before.step && before.course.steps.some((each) => each.step === step && each.begunAtMs))
    return before;
  const passed = step === before.step ? before : ended(before, { type: 'ended' }, nowMs);
  return { ...passed, step, course: reduceCourse(passed.course, { type: 'begun', step }, nowMs) };
}

/** Whatever step of the migration is under way ends. */
function ended(
  before: MigrationState,
  how: { type: 'ended' | 'failed'; note?: string },
  nowMs: number,
): MigrationState {
  const course = before.course.steps
    .filter(({ step, state }) => state === 'running' && migrationSteps.some((each) => each === step))
    .reduce((all, { step }) => reduceCourse(all, { ...how, step }, nowMs), before.course);
  return { ...before, course };
}

type Figures = Omit<Extract<ProgressEvent, { type: 'progressed' }>, 'type' | 'step'>;

/** The figures of a step before that at which it is come too late. */
function withFigures(
  before: MigrationState,
  step: MigrationStep,
  figures: Figures,
  nowMs: number,
): MigrationState {
  if (step !== before.step) return before;
  return { ...before, course: reduceCourse(before.course, { type: 'progressed', step, ...figures }, nowMs) };
}

const stepOfState: Partial<Record<Migration['status']['state'], MigrationStep>> = {
  presyncing: 'presync',
  frozen: 'transfer',
  permitted: 'commit',
  prepared: 'prepare',
  restored: 'commit',
  committed: 'finish',
};

function withJournal(journal: Migration, known: MigrationState | undefined, nowMs: number): MigrationState {
  const { metadata, spec, status } = journal;
  if (known && !isRunning(known)) return { ...known, journal };
  const step = stepOfState[status.state] ?? 'finish';
  const { awaits: _, ...before } =
    known ?? newMigration({ migration: metadata.name, ...spec }, step, Date.parse(status.startedAt) || nowMs);
  const frozen = status.state === 'frozen' || status.state === 'permitted';
  const { outcome } = status;
  const end = { type: outcome === 'committed' ? 'ended' : 'failed' } as const;
  const reached = outcome ? ended(before, end, nowMs) : atStep(before, step, nowMs);
  return {
    ...reached,
    journal,
    strategy: spec.strategy,
    ...(frozen && before.frozenAtMs === undefined ? { frozenAtMs: nowMs } : {}),
    ...(status.awaits ? { awaits: status.awaits } : {}),
    ...(outcome ? { outcome, endedAtMs: known ? nowMs : 0 } : {}),
    ...(status.frozenMs === undefined ? {} : { frozenMs: status.frozenMs }),
    ...(status.error ? { error: status.error.message } : {}),
  };
}
