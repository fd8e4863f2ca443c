// Migrations as they run, from box to box.
import { formatAge, formatBytes, formatDuration, formatRate } from '../formats.ts';
import type { Glyphs } from '../glyphs.ts';
import { currentStep, isRunning, isShown } from '../read-model/conditions.ts';
import type { MigrationState, ReadModel } from '../read-model/read-model.ts';
import { firstFitting, type Line, type Span, span, type Tone } from '../spans.ts';

/** Those under way and those that have just ended, the newest last; at most `limit`. */
export function migrationLines(
  { migrations }: ReadModel,
  nowMs: number,
  width: number,
  glyphs: Glyphs,
  limit: number,
): Line[] {
  const shown = [...migrations.values()].filter((migration) => isShown(migration, nowMs));
  // One that ended yields to one that runs.
  const running = shown.filter(isRunning);
  const ended = shown.filter((migration) => !isRunning(migration));
  const room = Math.max(0, limit - running.length);
  const kept = [...(room > 0 ? ended.slice(-room) : []), ...running.slice(-limit)];
  return kept.map((migration) => migrationLine(migration, nowMs, width, glyphs));
}

/** How far along the way each step begins, in shares of it. */
const stepStarts: Record<MigrationState['step'], number> = {
  preflight: 0,
  prepare: 0.05,
  presync: 0.15,
  freeze: 0.35,
  transfer: 0.4,
  restore: 0.75,
  commit: 0.9,
  finish: 0.97,
};
const nextStart: Partial<Record<MigrationState['step'], number>> = { presync: 0.35, transfer: 0.75 };

/** How far it has come, 0 to 1. */
export function progressOf(migration: MigrationState): number {
  const { step, outcome } = migration;
  const { bytes, totalBytes } = currentStep(migration) ?? {};
  if (outcome === 'committed') return 1;
  if (outcome) return 0;
  const start = stepStarts[step];
  const share = bytes !== undefined && totalBytes ? Math.min(1, bytes / totalBytes) : 0;
  return start + ((nextStart[step] ?? start) - start) * share;
}

function migrationLine(migration: MigrationState, nowMs: number, width: number, glyphs: Glyphs): Line {
  const { application, from, to, outcome } = migration;
  const tone: Tone = outcome === 'committed' ? 'good' : outcome ? 'warn' : 'accent';
  const way = (length: number): Span[] => {
    const gone = Math.min(length - 1, Math.floor(progressOf(migration) * length));
    return [
      span(glyphs.gone.repeat(gone), tone),
      span(outcome && outcome !== 'committed' ? glyphs.left : glyphs.right, tone),
      span(glyphs.ahead.repeat(length - 1 - gone), 'dim'),
    ];
  };
  const line = (length: number, details: Span[]): Line => [
    span(application, undefined, { bold: true }),
    span(` ${from} `),
    ...way(length),
    span(` ${to} `),
    ...details,
  ];
  const full = details(migration, nowMs);
  return firstFitting(
    width,
    glyphs.cut,
    line(24, full),
    line(12, full),
    line(6, full),
    line(6, full.slice(0, 3)),
  );
}

/** The most important first. */
function details(migration: MigrationState, nowMs: number): Span[] {
  const { outcome, frozenAtMs, frozenMs, sentBytes, step } = migration;
  const { bytes, totalBytes, bytesPerSecond } = currentStep(migration) ?? {};
  if (outcome) {
    const frozen = frozenMs ? `, frozen for ${formatDuration(frozenMs)}` : '';
    const sent = sentBytes && outcome === 'committed' ? `, ${formatBytes(sentBytes)}` : '';
    const why = migration.error && outcome !== 'committed' ? `: ${migration.error}` : '';
    return [span(`${outcome}${frozen}${sent}${why}`, outcome === 'committed' ? 'good' : 'warn')];
  }
  const shown = [span(` ${step}`, 'accent')];
  // The agent says that it is frozen only when it is; the pause has then already begun.
  if (frozenAtMs !== undefined && step !== 'finish')
    shown.push(span(`  frozen ${((nowMs - frozenAtMs) / 1000).toFixed(1)} s`, 'warn'));
  if (migration.awaits) shown.push(span(`  waits for ${migration.awaits}`, 'warn'));
  if (bytes !== undefined) {
    const share = totalBytes
      ? `${Math.floor((bytes / totalBytes) * 100)}% of ${formatBytes(totalBytes)}`
      : '';
    shown.push(span(`  ${share || formatBytes(bytes)}`));
  }
  if (bytesPerSecond) shown.push(span(`  ${formatRate(bytesPerSecond)}`));
  if (bytes === undefined) shown.push(span(`  for ${formatAge(nowMs - migration.startedAtMs)}`, 'dim'));
  return shown;
}
