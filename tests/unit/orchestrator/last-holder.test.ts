import { expect, it } from '@jest/globals';
import type { ApplicationManifest } from '../../../src/contract/application.ts';
import type { Event } from '../../../src/contract/events.ts';
import { chooseAway, lastPlaces, requireNameFree } from '../../../src/orchestrator/last-holder.ts';
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
    event('application.deleted', 'host-a', { application: 'forgotten' }),
  ];
  expect([...lastPlaces(events)]).toEqual([
    ['moved', { name: 'moved', host: 'host-b', address: '10.77.0.10' }],
    ['gone', undefined],
    ['back', { name: 'back', host: 'host-c' }],
    ['forgotten', undefined],
  ]);
});

it('adds what the hosts that answer have heard: what was before the events, and ports', () => {
  const heard = (name: string, host: string, epoch: number, hostPort: number) => ({
    ...{ application: name, host, epoch, mac: '02:00:0a:4d:00:0a', address: `10.77.0.${hostPort - 8000}` },
    ports: [{ port: 80, hostPort }],
  });
  const told = lastPlaces([
    deployed('moved', 'host-a', '10.77.0.10'),
    event('migration.committed', 'host-b', { application: 'moved', from: 'host-a', to: 'host-b' }),
    event('application.deleted', 'host-b', { application: 'deleted' }),
    deployed('bare', 'host-b', '10.77.0.11'),
    deployed('left', 'host-b', '10.77.0.12'),
    deployed('left', 'host-a', '10.77.0.12'),
  ]);
  const seen = inventory({ unreachable: ['host-b'], applications: [application('here')] });
  const places = [
    // Who has missed the move knows the ports all the same.
    heard('moved', 'host-a', 1, 8010),
    heard('old', 'host-b', 3, 8020),
    heard('old', 'host-a', 2, 8021),
    heard('deleted', 'host-b', 1, 8030),
    heard('left', 'host-b', 1, 8012),
    heard('here', 'host-b', 9, 8040),
    heard('elsewhere', 'host-a', 1, 8050),
  ];
  const ports = (hostPort: number) => [{ port: 80, hostPort }];
  expect(chooseAway(seen, told, places)).toEqual([
    { name: 'moved', host: 'host-b', address: '10.77.0.10', ports: ports(8010) },
    { name: 'bare', host: 'host-b', address: '10.77.0.11' },
    { name: 'old', host: 'host-b', address: '10.77.0.20', ports: ports(8020) },
  ]);
});

it('gives away neither the name, the address nor a host port of what is on a host that does not answer', () => {
  const ports = [{ port: 80, hostPort: 8080 }];
  const away = [{ name: 'far', host: 'host-b', address: '10.77.0.10', ports }];
  const seen = inventory({ unreachable: ['host-b'] });
  const { apiVersion, kind, spec } = application('new');
  const manifest = (network?: ApplicationManifest['spec']['network']) => ({
    apiVersion,
    kind,
    metadata: { name: 'new' },
    spec: { ...spec, ...(network ? { network } : {}) },
  });
  expect(placeApplication(seen, manifest(), new Set(), away).address).toBe('10.77.0.11');
  expect(() => placeApplication(seen, manifest({ address: '10.77.0.10' }), new Set(), away)).toThrow(
    'belongs to application far, last on host-b',
  );
  expect(() => placeApplication(seen, manifest({ ports }), new Set(), away)).toThrow(
    'the host port 8080/tcp of application new belongs to far, last on host-b',
  );
  const other = { port: 80, hostPort: 8081 };
  expect(placeApplication(seen, manifest({ ports: [other] }), new Set(), away).address).toBe('10.77.0.11');
  expect(() => requireNameFree(away, 'far')).toThrow('was last on host-b, which does not answer');
  requireNameFree(away, 'new');
});
