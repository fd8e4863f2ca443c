// Who may connect to an application.
import { expect, it } from '@jest/globals';
import { edgeRules, sourcesOf } from '../../../../agent/network/edge.ts';

const place = (application: string, address: string, labels: Record<string, string> = {}) => ({
  application,
  address,
  labels,
  mac: '02:00:00:00:00:01',
  epoch: 1,
  host: 'host-a',
});
const places = [
  place('web', '10.77.0.10', { tier: 'front', zone: 'a' }),
  place('job', '10.77.0.11', { tier: 'back' }),
  place('bank', '10.77.0.12', { tier: 'front' }),
];

it('are applications by name, by all of the labels, and addresses; whoever is not there yet comes later', () => {
  expect(sourcesOf([{ application: 'job' }, { application: 'later' }], places)).toEqual(['10.77.0.11']);
  expect(sourcesOf([{ labels: { tier: 'front' } }], places)).toEqual(['10.77.0.10', '10.77.0.12']);
  expect(sourcesOf([{ labels: { tier: 'front', zone: 'a' } }, { cidr: '10.20.0.0/16' }], places)).toEqual([
    '10.20.0.0/16',
    '10.77.0.10',
  ]);
});

it('is everybody where nobody is named, and nobody where the list is empty', () => {
  expect(edgeRules({}, { hosts: [], places })).not.toContain('chain');
  const rules = edgeRules({ allow: [] }, { hosts: [], places });
  expect(rules).not.toContain('ip saddr');
  expect(rules).toContain('tcp flags & (syn | ack) == syn reject');
});
