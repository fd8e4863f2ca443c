// What `get -w` makes rows of: the differences between two models.
import { describe, expect, it } from '@jest/globals';
import type { Checkpoint } from '../../../../src/contract/checkpoint.ts';
import { emptyModel, type ReadModel } from '../../../../src/view/read-model/read-model.ts';
import { reduceModel } from '../../../../src/view/read-model/reduce-model.ts';
import { changesBetween, resourcesOf } from '../../../../src/view/read-model/resources.ts';
import {
  answered,
  applicationOn,
  changed,
  eventOf,
  hostNamed,
  inventoryOf,
  known,
  measured,
  parts,
  silentHost,
  startMs,
  told,
  two,
} from './states.ts';

const modelAfter = (model: ReadModel, ...answers: Parameters<typeof inventoryOf>) =>
  reduceModel(model, answered(inventoryOf(...answers)), startMs);
const rows = (before: ReadModel, now: ReadModel) =>
  [...changesBetween(before, now, parts)].map(({ part, item, gone }) => {
    const how = 'condition' in item.status ? item.status.condition : item.status.host;
    return `${part}/${item.metadata.name} ${gone ? 'gone' : how}`;
  });

describe('rows', () => {
  it('are all that there is at first, and nothing where nothing is new', () => {
    const model = two();
    expect(rows(emptyModel(startMs), model)).toEqual([
      'hosts/host-a Ready',
      'hosts/host-b Ready',
      'applications/shop host-a',
    ]);
    expect(rows(model, two())).toEqual([]);
  });

  it('tell of no host whose figures alone are others', () => {
    const { status, ...host } = hostNamed('host-a');
    const busy = {
      ...host,
      status: { ...status, memoryAvailableBytes: 1, lastSeen: '2026-01-02T13:00:00Z' },
    };
    const model = told(two(), measured('host-a'));
    expect(rows(two(), model)).toEqual([]);
    expect(rows(model, modelAfter(model, [busy, hostNamed('host-b')], [applicationOn('host-a')]))).toEqual(
      [],
    );
    expect(rows(model, told(model, eventOf('host.cordoned', 'host-b', { by: 'ann@desk' })))).toEqual([
      'hosts/host-b Ready',
    ]);
  });

  it('do not call gone what a silent host had, until it answers without it', () => {
    const model = two();
    const silent = modelAfter(model, [silentHost('host-a'), hostNamed('host-b')]);
    expect(rows(model, silent)).toEqual(['hosts/host-a NotReady']);
    const empty = modelAfter(silent, [hostNamed('host-a'), hostNamed('host-b')]);
    expect(rows(silent, empty)).toEqual(['hosts/host-a Ready', 'applications/shop gone']);
  });

  it('tell at once of an agent that stops', () => {
    const model = two();
    expect(rows(model, told(model, eventOf('agent.stopped', 'host-b', {})))).toEqual([
      'hosts/host-b NotReady',
    ]);
  });

  it('follow neither a destination that only expects an application nor a source that has let go', () => {
    const model = two();
    const expected = changed('host-b', { phase: 'Incoming', epoch: 2, migration: 'm-1' });
    expect(rows(model, told(model, expected))).toEqual([]);
    // Nor where the host that has it cannot say so.
    const { status, ...shop } = applicationOn('host-b');
    const incoming = { ...shop, status: { ...status, phase: 'Incoming' as const, epoch: 2 } };
    const cutOff = modelAfter(model, [silentHost('host-a'), hostNamed('host-b')], [incoming]);
    expect(rows(model, cutOff)).toEqual(['hosts/host-a NotReady']);
    const moved = told(model, expected, changed('host-b', { epoch: 2 }));
    expect(rows(model, moved)).toEqual(['applications/shop host-b']);
    expect(rows(moved, told(moved, changed('host-a', { epoch: 1, phase: 'Migrating' })))).toEqual([]);
  });

  it('wait for what only the host itself can tell of a new application or host', () => {
    const bare = known([hostNamed('host-a')]);
    const seen = told(bare, changed('host-a', {}), eventOf('agent.started', 'host-z', { version: '0.1.0' }));
    expect(rows(bare, seen)).toEqual([]);
    const asked = modelAfter(seen, [hostNamed('host-a'), hostNamed('host-z')], [applicationOn('host-a')]);
    expect(rows(seen, asked)).toEqual(['hosts/host-z Ready', 'applications/shop host-a']);
  });

  it('tell of each host its own copy of a checkpoint', () => {
    const copyOn = (host: string) =>
      ({ kind: 'Checkpoint', metadata: { name: 'c-1' }, status: { host } }) as Checkpoint;
    const hosts = [hostNamed('host-a'), hostNamed('host-b')];
    const both = { ...inventoryOf(hosts), checkpoints: [copyOn('host-a'), copyOn('host-b')] };
    const model = reduceModel(emptyModel(startMs), answered(both), startMs);
    expect(resourcesOf(model, 'checkpoints').length).toBe(2);
    const deleted = told(
      model,
      eventOf('checkpoint.deleted', 'host-b', { application: 'shop', checkpoint: 'c-1' }),
    );
    expect(rows(model, deleted)).toEqual(['checkpoints/c-1 gone']);
    expect(resourcesOf(deleted, 'checkpoints').map(({ status }) => status.host)).toEqual(['host-a']);
  });

  it('are not touched by an answer that was about something else', () => {
    const model = two();
    const inventory = inventoryOf([hostNamed('host-a'), hostNamed('host-b')]);
    const other = reduceModel(model, { type: 'inventory', inventory, parts: ['checkpoints'] }, startMs);
    expect(rows(model, other)).toEqual([]);
  });
});
