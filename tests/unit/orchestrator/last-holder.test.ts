import { expect, it } from '@jest/globals';
import type { Event } from '../../../src/contract/events.ts';
import { lastPlaces, requireNameFree } from '../../../src/orchestrator/last-holder.ts';
import { placeApplication } from '../../../src/orchestrator/placing.ts';
import { application, inventory } from './inventories.ts';

const event = (type: string, host: string, data: object) =>
  ({ id: type, time: '2026-01-01T00:00:00Z', type, host, data }) as Event;
const deployed = (name: string, host: string, address: string) =>
  event('application.deployed', host, { application: name, address });

it('tells from events where applications were last, through moves, restores and deletions', () => {
  const events = [
    deployed('moved', 'host-a', '10.77.0.10'),
    deployed('gone', 'host-a', '10.77.0.11'),
    event('migration.committed', 'host-b', { application: 'moved', from: 'host-a', to: 'host-b' }),
    event('application.deleted', 'host-a', { application: 'gone' }),
    deployed('back', 'host-a', '10.77.0.12'),
    event('application.deleted', 'host-a', { application: 'back' }),
    event('checkpoint.restored', 'host-c', { application: 'back', checkpoint: 'one' }),
  ];
  expect(lastPlaces(events)).toEqual([
    { name: 'moved', host: 'host-b', address: '10.77.0.10' },
    { name: 'back', host: 'host-c' },
  ]);
});

it('gives away neither the name nor the address of what is on a host that does not answer', () => {
  const away = [{ name: 'far', host: 'host-b', address: '10.77.0.10' }];
  const seen = inventory({ unreachable: ['host-b'] });
  const { apiVersion, kind, spec } = application('new');
  const manifest = (network?: { address: string }) => ({
    apiVersion,
    kind,
    metadata: { name: 'new' },
    spec: { ...spec, ...(network ? { network } : {}) },
  });
  expect(placeApplication(seen, manifest(), new Set(), away).address).toBe('10.77.0.11');
  expect(() => placeApplication(seen, manifest({ address: '10.77.0.10' }), new Set(), away)).toThrow(
    'belongs to application far, last on host-b',
  );
  expect(() => requireNameFree(away, 'far')).toThrow('was last on host-b, which does not answer');
  requireNameFree(away, 'new');
});
