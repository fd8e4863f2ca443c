// Who goes where when a host is emptied.
import { describe, expect, it } from '@jest/globals';
import type { Host } from '../../../../src/contract/host.ts';
import {
  Destinations,
  eligibleHosts,
  type Load,
  planMoves,
  whyNone,
} from '../../../../src/orchestrator/moving/destinations.ts';
import { parseSelector } from '../../../../src/orchestrator/selector.ts';
import { host } from '../inventories.ts';

const GiB = 2 ** 30;
const withFree = (name: string, freeGiB: number, labels: Record<string, string> = {}): Host => {
  const made = host(name, { memoryAvailableBytes: freeGiB * GiB });
  return { ...made, metadata: { name, labels } };
};
const load = (application: string, usedGiB: number, hostSelector?: Record<string, string>): Load => ({
  application,
  memoryBytes: usedGiB * GiB,
  hostSelector,
});
const planned = (hosts: Host[], ...loads: Load[]) =>
  Object.fromEntries(
    planMoves(loads, new Destinations(hosts, 'there is none')).map(({ load, choice }) => [
      load.application,
      'to' in choice ? choice.to : choice.why,
    ]),
  );

describe('planMoves', () => {
  it('takes the host with the most memory left beside what is planned, the largest first', () => {
    const hosts = [withFree('host-b', 8), withFree('host-c', 6)];
    expect(planned(hosts, load('small', 1), load('large', 5), load('middle', 3))).toEqual({
      large: 'host-b', // leaves 3
      middle: 'host-c', // leaves 3
      small: 'host-b',
    });
  });

  it('spreads equal ones over equal hosts', () => {
    const hosts = [withFree('host-c', 4), withFree('host-b', 4)];
    expect(planned(hosts, load('one', 1), load('two', 1), load('three', 1))).toEqual({
      one: 'host-b',
      three: 'host-c',
      two: 'host-b',
    });
  });

  it('gives nobody memory that another one was promised', () => {
    expect(planned([withFree('host-b', 4)], load('one', 3), load('two', 2), load('three', 1))).toEqual({
      one: 'host-b',
      two: expect.stringContaining('two uses more memory than any host has left'),
      three: 'host-b',
    });
  });

  it('keeps to the labels that a manifest asks for, wherever there is more room', () => {
    const hosts = [withFree('host-b', 8), withFree('host-c', 2, { zone: 'west', disk: 'fast' })];
    expect(
      planned(hosts, load('bound', 1, { zone: 'west', disk: 'fast' }), load('lost', 1, { zone: 'east' })),
    ).toEqual({ bound: 'host-c', lost: expect.stringContaining('zone=east') });
  });

  it('says so where there is no host at all', () => {
    expect(planned([], load('one', 1))).toEqual({ one: 'there is none' });
  });
});

describe('Destinations', () => {
  it('has another one for who was refused, and the refused place for the next', () => {
    const destinations = new Destinations([withFree('host-b', 8), withFree('host-c', 4)], 'there is none');
    const one = load('one', 3);
    expect(destinations.take(one)).toEqual({ to: 'host-b' });
    destinations.giveBack(one, 'host-b');
    expect(destinations.take(one, new Set(['host-b']))).toEqual({ to: 'host-c' });
    expect(destinations.take(load('two', 8))).toEqual({ to: 'host-b' });
    expect(destinations.take(one, new Set(['host-b', 'host-c']))).toEqual({
      why: 'every host that could be asked has refused it',
    });
  });
});

describe('eligibleHosts', () => {
  const cordoned = withFree('host-d', 9);
  cordoned.spec.unschedulable = true;
  const away = host('host-e', { condition: 'NotReady' });
  const hosts = [
    withFree('host-a', 9),
    withFree('host-b', 1, { zone: 'west' }),
    withFree('host-c', 1),
    cordoned,
    away,
  ];
  const names = (options: Omit<Parameters<typeof eligibleHosts>[1], 'from'>) =>
    eligibleHosts(hosts, { from: 'host-a', ...options }).map(({ metadata }) => metadata.name);

  it('are ready, not cordoned, and not the host itself', () => {
    expect(names({})).toEqual(['host-b', 'host-c']);
  });

  it('are among those that were named or selected', () => {
    expect(names({ to: ['host-c', 'host-d', 'host-e'] })).toEqual(['host-c']);
    expect(names({ selector: parseSelector('zone=west') })).toEqual(['host-b']);
  });

  it('are none for what each of those that were asked for is', () => {
    expect(whyNone(hosts, { from: 'host-a', to: ['host-d', 'host-e'] })).toBe(
      'there is no other host that takes applications: host-d is cordoned (to lift it: cmig uncordon host-d), host-e is NotReady',
    );
    expect(whyNone(hosts.slice(0, 1), { from: 'host-a' })).toBe(
      'there is no other host that takes applications',
    );
  });
});
