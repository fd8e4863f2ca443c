// Rules and rates for the links of a lab's hosts.
import { describe, expect, it } from '@jest/globals';
import { partitionRules, rateBitsPerSecond } from '../../../src/lab/lab-links.ts';

const plan = { name: 'lab', octet: 77, hosts: ['host-a', 'host-b', 'host-c'] };

describe('partitionRules', () => {
  it('drops both directions, of everything or between two machines', () => {
    const rules = partitionRules(plan, {
      'host-a': { partitioned: 'all' },
      'host-b': { partitioned: ['broker', 'machine'], rate: '1mbit' },
      'host-c': { rate: '1mbit' },
    });
    expect(
      rules
        .match(/^ {4}.*$/gm)
        ?.slice(1)
        .map((line) => line.trim()),
    ).toEqual([
      'iifname "host-a" drop',
      'oifname "host-a" drop',
      'iifname "host-b" oifname "broker" drop',
      'iifname "broker" oifname "host-b" drop',
      'iifname "host-b" oifname "uplink" drop',
      'iifname "uplink" oifname "host-b" drop',
    ]);
  });

  it('drops by address where a router lies between', () => {
    const rules = partitionRules(
      { ...plan, sites: ['onprem', 'azure', 'aws'] },
      {
        azure: { partitioned: ['aws'] },
        onprem: { partitioned: 'all' },
        'host-a': { partitioned: ['host-b'] },
      },
    );
    expect(rules.match(/^ {4}.*drop$/gm)?.map((line) => line.trim())).toEqual([
      'iifname "host-a" ip daddr 10.77.129.11 drop',
      'oifname "host-a" ip saddr 10.77.129.11 drop',
      'iifname "router0" drop',
      'oifname "router0" drop',
      'iifname "router1" ip daddr 10.77.130.0/24 drop',
      'oifname "router1" ip saddr 10.77.130.0/24 drop',
    ]);
  });

  it('leaves no table where nothing is cut off', () => {
    expect(partitionRules(plan, { 'host-a': { rate: '1mbit' } })).toBe(
      'table bridge cmig_lab\ndelete table bridge cmig_lab\n',
    );
  });
});

describe('rateBitsPerSecond', () => {
  it.each([
    ['100mbit', 1e8],
    ['1.5gbit', 1.5e9],
    ['8kbit', 8000],
    ['64000bit', 64000],
  ])('reads %s', (rate, bits) => {
    expect(rateBitsPerSecond(rate)).toBe(bits);
  });

  it.each(['', '100', '0mbit', '1kbit', '-1mbit', '10mbps', '1mbit; reboot'])('refuses %j', (rate) => {
    expect(() => rateBitsPerSecond(rate)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});
