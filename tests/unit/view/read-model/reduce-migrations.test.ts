// A migration as who runs it and as who watches it sees it: by the news of its orchestrator and of its two hosts.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type MigrationStep, migrationSteps } from '../../../../src/contract/migration.ts';
import type { Progress, ProgressEvent } from '../../../../src/core/progress.ts';
import { currentStep, isRunning } from '../../../../src/view/read-model/conditions.ts';
import { emptyModel, type ReadModel } from '../../../../src/view/read-model/read-model.ts';
import { reduceModel } from '../../../../src/view/read-model/reduce-model.ts';
import { shownSteps } from '../../../../src/view/read-model/shown-steps.ts';
import { eventOf, startMs } from './states.ts';

const migration = { migration: 'm-12345678', application: 'shop', from: 'host-a', to: 'host-b' };
const bySteps = (event: ProgressEvent): Progress => ({ type: 'migrating', migration, event });
const heard = (event: ReturnType<typeof eventOf>): Progress => ({ type: 'heard', event });

const orchestrator: readonly Progress[] = [
  { type: 'planned' as const, steps: migrationSteps.map((step) => ({ step, title: `do ${step}` })) },
  ...migrationSteps.flatMap((step) => [
    { type: 'begun' as const, step },
    { type: 'ended' as const, step },
  ]),
].map(bySteps);
const progressed = (step: MigrationStep, bytes: number) =>
  eventOf('migration.progressed', 'host-a', { ...migration, step, bytes, totalBytes: 10, bytesPerSecond: 5 });
const bytes = { presync: 10, files: 2, memory: 3 };
const source = [
  eventOf('migration.started', 'host-a', { ...migration, strategy: 'stop-and-copy' }),
  progressed('presync', 10),
  eventOf('migration.frozen', 'host-a', { ...migration, connections: 3 }),
  progressed('transfer', 4),
  eventOf('migration.transferred', 'host-a', { ...migration, bytes }),
  eventOf('migration.finished', 'host-a', { ...migration, frozenMs: 840 }),
].map(heard);
const destination = [
  eventOf('migration.restored', 'host-b', migration),
  eventOf('migration.committed', 'host-b', migration),
].map(heard);

const modelAfter = (news: readonly Progress[], model = emptyModel(startMs)): ReadModel =>
  news.reduce((before, progress) => reduceModel(before, { type: 'progress', progress }, startMs), model);
const migrationOf = (model: ReadModel) => model.migrations.get(migration.migration)!;
const seen = (model: ReadModel) => {
  const { course: _, startedAtMs: __, ...rest } = migrationOf(model);
  return rest;
};

/** After the plan, every order in which the news of three who do not wait for each other may come. */
const interleaved = fc.array(fc.nat(2), { minLength: 60, maxLength: 60 }).map((choices) => {
  const [plan, ...steps] = orchestrator;
  const queues = [steps, [...source], [...destination]];
  const news = choices.flatMap((choice) => queues[choice]!.shift() ?? []);
  return [plan!, ...news, ...queues.flat()];
});

describe('a migration', () => {
  it('ends the same for who runs it as for who watches it, however the news cross', () => {
    const watched = modelAfter([...source, ...destination]);
    expect(seen(watched)).toMatchObject({
      outcome: 'committed',
      frozenMs: 840,
      sentBytes: 15,
      connections: 3,
    });
    fc.assert(
      fc.property(interleaved, (news) => {
        const own = modelAfter(news);
        expect(seen(own)).toEqual(seen(watched));
        expect(shownSteps(own).map(({ step, title, state }) => [step, title, state])).toEqual(
          migrationSteps.map((step) => [step, `do ${step}`, 'done']),
        );
      }),
    );
  });

  it('never goes back to an earlier step, and has never two of its own under way', () => {
    fc.assert(
      fc.property(interleaved, (news) => {
        let model = emptyModel(startMs);
        let furthest = 0;
        for (const progress of news) {
          model = modelAfter([progress], model);
          const { step, course } = migrationOf(model);
          expect(migrationSteps.indexOf(step)).toBeGreaterThanOrEqual(furthest);
          furthest = migrationSteps.indexOf(step);
          expect(course.steps.filter(({ state }) => state === 'running').length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('shows the figures of its step alike, from wherever it is watched', () => {
    const begun = orchestrator.slice(0, 6);
    const own = modelAfter([...begun, ...source.slice(0, 4)]);
    const watched = modelAfter(source.slice(0, 4));
    const { title: _, ...figures } = currentStep(migrationOf(own))!;
    expect(figures).toMatchObject({ step: 'transfer', bytes: 4, totalBytes: 10, bytesPerSecond: 5 });
    expect(currentStep(migrationOf(watched))).toMatchObject(figures);
  });

  it('that fails leaves what it had not begun as it was, and says why', () => {
    const error = { code: 'failed', message: 'disk full' } as const;
    const rolledBack = heard(eventOf('migration.rolled-back', 'host-a', { ...migration, error }));
    const news = [...orchestrator.slice(0, 6), ...source.slice(0, 1), rolledBack];
    const steps = shownSteps(modelAfter(news));
    expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'failed', ...Array(5).fill('waiting')]);
    expect(steps[2]).toMatchObject({ step: 'presync', note: 'disk full' });
    // What its own orchestrator says of the same end comes too late.
    const own = modelAfter([
      ...news,
      bySteps({ type: 'failed', step: 'presync', note: 'the request failed' }),
    ]);
    expect(shownSteps(own)).toEqual(steps);
    expect(isRunning(migrationOf(own))).toBe(false);
  });

  it('that is one of many shows its figures at the step that moves its application', () => {
    const steps = [
      { step: 'shop', title: 'move shop to host-b', application: 'shop' },
      { step: 'mail', title: 'move mail to host-b', application: 'mail' },
    ];
    const many = modelAfter([
      { type: 'planned', steps, sideBySide: 2 },
      { type: 'begun', step: 'shop' },
      ...orchestrator.slice(0, 6),
      ...source.slice(0, 2),
    ]);
    expect(shownSteps(many)).toMatchObject([
      { title: 'move shop to host-b', note: 'do presync', bytes: 10, bytesPerSecond: 5 },
      { title: 'move mail to host-b', state: 'waiting' },
    ]);
    const ended = modelAfter([{ type: 'ended', step: 'shop', note: 'frozen for 0.84 s' }], many);
    expect(shownSteps(ended)[0]).toMatchObject({ state: 'done', note: 'frozen for 0.84 s' });
  });

  it('that waits for an image shows how far that is, and no other one does', () => {
    const sent = { digest: `sha256:${'a'.repeat(64)}`, bytes: 7, bytesPerSecond: 2 };
    const begun = orchestrator.slice(0, 4);
    const own = modelAfter([
      ...begun,
      heard(eventOf('image.progressed', 'host-a', { ...sent, to: 'host-b' })),
    ]);
    expect(currentStep(migrationOf(own))).toMatchObject({
      step: 'prepare',
      bytes: 7,
      note: 'image aaaaaaaaaaaa',
    });
    const other = modelAfter([
      ...begun,
      heard(eventOf('image.progressed', 'host-c', { ...sent, to: 'host-b' })),
    ]);
    expect(currentStep(migrationOf(other))?.bytes).toBeUndefined();
  });
});
