import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Event } from '../../../../src/contract/events.ts';
import { pictureNeeds } from '../../../../src/view/read-model/asking.ts';
import { hostCondition, isRunning, silenceMs } from '../../../../src/view/read-model/conditions.ts';
import type { Draft } from '../../../../src/view/read-model/draft.ts';
import { emptyModel, type ReadModel } from '../../../../src/view/read-model/read-model.ts';
import { reduceModel } from '../../../../src/view/read-model/reduce-model.ts';
import {
  answered,
  applicationOn,
  changed,
  eventOf,
  hostNamed,
  inventoryOf,
  known,
  measured,
  silentHost,
  startMs,
  told,
  two,
} from './states.ts';

const shopOf = (state: ReadModel) => state.applications.get('shop')?.status;
const move = { application: 'shop', migration: 'm-12345678', from: 'host-a', to: 'host-b' };
const conditionOf = (state: ReadModel, name: string, nowMs: number) =>
  hostCondition(state.hosts.get(name)!, state, nowMs);

const host = fc.constantFrom('host-a', 'host-b');
/** Whatever hosts may say of what they have, sense or not. */
const anyEvent = fc.oneof(
  host.map((name) => measured(name)),
  fc
    .record({
      host,
      phase: fc.constantFrom('Running', 'NotReady', 'Incoming', 'Migrating'),
      epoch: fc.nat(3),
    })
    .map(({ host, ...more }) => changed(host, { ...more, migration: move.migration } as never)),
  host.map((name) => eventOf('application.deleted', name, { application: 'shop' })),
  host.map((name) => eventOf('agent.stopped', name, {})),
  host.map((name) => eventOf('host.cordoned', name, { by: 'ann@desk' })),
  host.map((name) => eventOf('image.removed', name, { digest: 'sha256:1', sizeBytes: 1 })),
  host.map((name) => eventOf('migration.frozen', name, { ...move, connections: 3 })),
  host.map((name) => eventOf('migration.rolled-back', name, move)),
);

describe('a row of news', () => {
  it('makes what each of them would, and leaves what was seen before as it was', () => {
    const inRow = (model: ReadModel, events: readonly Event[]): ReadModel => {
      const draft: Draft = new Set();
      return events.reduce(
        (before, event) => reduceModel(before, { type: 'event', event }, startMs, draft),
        model,
      );
    };
    fc.assert(
      fc.property(fc.array(anyEvent), fc.array(anyEvent), (first, second) => {
        const before = two();
        const seen = inRow(before, first);
        expect(before).toEqual(two());
        const asSeen = structuredClone(seen);
        const last = inRow(seen, second);
        expect(seen).toEqual(asSeen);
        const oneByOne = [...first, ...second].reduce(
          (model, event) => reduceModel(model, { type: 'event', event }, startMs),
          two(),
        );
        expect(last).toEqual(oneByOne);
      }),
    );
  });
});

describe('applications', () => {
  it('follow the higher epoch, whatever the former host still says', () => {
    const moved = told(two(), changed('host-b', { epoch: 2 }));
    expect(shopOf(moved)).toMatchObject({ host: 'host-b', epoch: 2 });
    const late = told(
      moved,
      changed('host-a', { epoch: 1, phase: 'Migrating' }),
      eventOf('application.deleted', 'host-a', { application: 'shop' }),
    );
    expect(shopOf(late)).toMatchObject({ host: 'host-b', phase: 'Running' });
    expect(
      told(late, eventOf('application.deleted', 'host-b', { application: 'shop' })).applications.size,
    ).toBe(0);
  });

  it('are shown at once where they are new, and their host is asked for the rest', () => {
    const bare = known([hostNamed('host-a')]);
    const event = changed('host-a', { phase: 'Deploying' });
    expect(pictureNeeds(bare, event, startMs)).toBe(true);
    const seen = told(bare, event);
    expect(shopOf(seen)?.phase).toBe('Deploying');
    // It is still only known by its status.
    expect(pictureNeeds(seen, event, startMs)).toBe(true);
    const asked = reduceModel(
      seen,
      answered(inventoryOf([hostNamed('host-a')], [applicationOn('host-a')])),
      startMs,
    );
    expect(pictureNeeds(asked, event, startMs)).toBe(false);
    expect(asked.applications.get('shop')?.metadata.labels).toEqual({ tier: 'demo' });
  });

  it('of a host that does not answer are not gone', () => {
    const news = answered(inventoryOf([silentHost('host-a'), hostNamed('host-b')]));
    const state = reduceModel(two(), news, startMs + 1000);
    expect(shopOf(state)?.host).toBe('host-a');
    expect(state.hosts.get('host-a')?.host.status).toMatchObject({
      kernel: '6.12.1-cloud',
      message: 'no answer',
    });
    const gone = reduceModel(
      state,
      answered(inventoryOf([hostNamed('host-a'), hostNamed('host-b')])),
      startMs + 2000,
    );
    expect(gone.applications.size).toBe(0);
  });
});

describe('a host', () => {
  it('is not ready after a silence, and ready again at its next word, when it is asked anew', () => {
    const state = told(two(), measured('host-a'));
    expect(conditionOf(state, 'host-a', startMs + silenceMs)).toBe('Ready');
    expect(conditionOf(state, 'host-a', startMs + silenceMs + 1)).toBe('NotReady');
    const event = { ...measured('host-a'), time: new Date(startMs + 60_000).toISOString() };
    expect(pictureNeeds(state, event, startMs + 60_000)).toBe(true);
    expect(conditionOf(told(state, event), 'host-a', startMs + 60_001)).toBe('Ready');
  });

  it('that says that it stops is not ready at once', () => {
    const stopped = told(two(), eventOf('agent.stopped', 'host-a', {}));
    expect(conditionOf(stopped, 'host-a', startMs)).toBe('NotReady');
    const event = eventOf('agent.started', 'host-a', { version: '0.1.0' });
    expect(conditionOf(told(stopped, event), 'host-a', startMs)).toBe('Ready');
  });

  it('is unknown without a broker, and after its return until it is heard, not judged by the silence of that time', () => {
    const lost = reduceModel(two(), { type: 'connection', connected: false }, startMs + 1000);
    expect(conditionOf(lost, 'host-a', startMs + 1000)).toBe('Unknown');
    const back = reduceModel(lost, { type: 'connection', connected: true }, startMs + 60_000);
    expect(conditionOf(back, 'host-a', startMs + 61_000)).toBe('Unknown');
    expect(conditionOf(back, 'host-a', startMs + 60_001 + silenceMs)).toBe('NotReady');
    const heard = reduceModel(back, { type: 'event', event: measured('host-a') }, startMs + 61_000);
    expect(conditionOf(heard, 'host-a', startMs + 61_000)).toBe('Ready');
    expect(conditionOf(heard, 'host-b', startMs + 61_000)).toBe('Unknown');
  });

  it('is known from its first word on, without ever having been asked', () => {
    const state = told(emptyModel(startMs), measured('host-z'));
    expect([...state.hosts.keys()]).toEqual(['host-z']);
    expect(pictureNeeds(state, measured('host-z'), startMs)).toBe(true);
  });

  it('keeps a minute or two of its figures, and the containers of the last ones', () => {
    const state = told(two(), ...Array.from({ length: 70 }, (_, n) => measured('host-a', n / 100)));
    const host = state.hosts.get('host-a')!;
    expect([host.samples.length, host.samples.at(-1)?.cpu]).toEqual([60, 0.69]);
    expect(host.containers.get('shop/db')?.memoryBytes).toBe(24 * 2 ** 20);
  });
});

describe('a migration', () => {
  it('goes from step to step, and ends with what the source measured', () => {
    const prepared = told(
      two(),
      changed('host-b', { phase: 'Incoming', epoch: 2, migration: move.migration }),
    );
    expect(shopOf(prepared)?.host).toBe('host-a');
    expect(prepared.migrations.get(move.migration)).toMatchObject({ step: 'prepare', from: 'host-a' });
    const frozen = told(
      prepared,
      eventOf('migration.started', 'host-a', { ...move, strategy: 'stop-and-copy' }),
      eventOf('migration.frozen', 'host-a', { ...move, connections: 3 }, startMs + 500),
      eventOf('migration.progressed', 'host-a', { ...move, step: 'transfer', bytes: 5, totalBytes: 10 }),
      // Overtaken on its way.
      eventOf('migration.progressed', 'host-a', { ...move, step: 'presync', bytes: 99 }),
    );
    expect(frozen.migrations.get(move.migration)).toMatchObject({
      step: 'transfer',
      frozenAtMs: startMs + 500,
    });
    const committed = told(
      frozen,
      eventOf('migration.transferred', 'host-a', { ...move, bytes: { presync: 1, files: 2, memory: 3 } }),
      eventOf('migration.restored', 'host-b', move),
      eventOf('migration.committed', 'host-b', move),
    );
    expect(isRunning(committed.migrations.get(move.migration)!)).toBe(true);
    const ended = told(
      committed,
      eventOf('migration.finished', 'host-a', { ...move, frozenMs: 840 }),
      // The two hosts do not wait for each other.
      eventOf('migration.committed', 'host-b', move),
    );
    expect(ended.migrations.get(move.migration)).toMatchObject({
      outcome: 'committed',
      frozenMs: 840,
      sentBytes: 6,
      connections: 3,
    });
    expect(ended.events.map(({ type }) => type)).toContain('migration.finished');
  });

  it('that was under way before is known from the journals, and one that ended meanwhile has ended', () => {
    const journal = {
      apiVersion: 'cmig.dev/v1',
      kind: 'Migration',
      metadata: { name: move.migration },
      spec: { application: 'shop', from: 'host-a', to: 'host-b', strategy: 'stop-and-copy', epoch: 2 },
      status: { role: 'source', host: 'host-a', state: 'frozen', startedAt: new Date(startMs).toISOString() },
    } as const;
    const inventory = inventoryOf([hostNamed('host-a'), hostNamed('host-b')], [applicationOn('host-a')]);
    const seen = reduceModel(two(), answered({ ...inventory, migrations: [journal] }), startMs);
    expect(seen.migrations.get(move.migration)).toMatchObject({ step: 'transfer', frozenAtMs: startMs });
    const status = { ...journal.status, state: 'rolled-back', outcome: 'rolled-back' } as const;
    const ended = reduceModel(
      seen,
      answered({ ...inventory, migrations: [{ ...journal, status }] }),
      startMs + 1000,
    );
    expect(ended.migrations.get(move.migration)).toMatchObject({ outcome: 'rolled-back' });
  });
});

describe('events', () => {
  it('of before come before, each once; mere figures are none', () => {
    const early = eventOf('application.started', 'host-a', { application: 'shop' }, startMs - 5000);
    const late = eventOf('application.stopped', 'host-a', { application: 'shop' });
    const live = told(two(), measured('host-a'), late);
    const state = reduceModel(live, { type: 'past', events: [early, late] }, startMs);
    expect(state.events).toEqual([early, late]);
  });
});
