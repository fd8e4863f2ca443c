// Names and addresses of a lab's machines.
import { describe, expect, it } from '@jest/globals';
import {
  applicationRange,
  attachment,
  brokerMachine,
  checkLabName,
  checkSites,
  emptySites,
  gatewayAddress,
  hostNames,
  hostsFile,
  linkAlias,
  machineAddress,
  machineMac,
  maximumHosts,
  siteOf,
  uplinkName,
} from '../../../src/lab/lab-plan.ts';

const plan = { octet: 77 };

describe('the plan of a lab', () => {
  it('gives every machine an address and a MAC of its own, all beside the range for applications', () => {
    const machines = [...hostNames(maximumHosts), brokerMachine];
    const addresses = [gatewayAddress(plan), ...machines.map((machine) => machineAddress(plan, machine))];
    expect(new Set(addresses).size).toBe(machines.length + 1);
    expect(addresses.every((address) => address.startsWith('10.77.255.'))).toBe(true);
    const macs = machines.map((machine) => machineMac(plan, machine));
    expect(new Set(macs).size).toBe(machines.length);
    // locally administered, and no group address
    expect(macs.every((mac) => /^02(:[0-9a-f]{2}){5}$/.test(mac))).toBe(true);
    expect(machineAddress(plan, 'host-a')).toBe('10.77.255.10');
  });

  it('tells every machine the name of every other one', () => {
    expect(hostsFile(plan)).toContain('10.77.255.12 host-c\n');
    expect(hostsFile(plan)).toContain('10.77.255.2 broker\n');
  });

  it('deals hosts out to sites, each in a segment of its own, beside the range for applications', () => {
    const sites = { octet: 77, sites: ['onprem', 'azure'] };
    expect(['host-a', 'host-b', 'host-c'].map((host) => siteOf(sites, host))).toEqual([
      'onprem',
      'azure',
      'onprem',
    ]);
    expect(attachment(sites, 'host-b')).toEqual({
      address: '10.77.129.11/24',
      switch: 'site1',
      router: '10.77.129.1',
    });
    expect(attachment(sites, brokerMachine).router).toBe('10.77.255.254');
    expect(applicationRange(sites)).toBe('10.77.0.0/17');
    const [of1, of2] = [1, 2].map((count) => emptySites({ ...sites, hosts: hostNames(count) }));
    expect([of1, of2]).toEqual([['azure'], []]);
  });

  it.each([['one'], ['a', 'a'], ['a', 'host-b'], ['a', 'B'], ['a', 'machine']])(
    'refuses the sites %j',
    (...sites) => {
      expect(() => checkSites(sites)).toThrow(expect.objectContaining({ code: 'invalid' }));
    },
  );

  it('names links in what the kernel allows', () => {
    expect(uplinkName(199).length).toBeLessThan(16);
    expect(linkAlias('x'.repeat(32)).length).toBeLessThan(256);
  });

  it.each(['../x', '', 'a/b', 'A', '-a', 'x'.repeat(33), 'a b'])('refuses the name %j', (name) => {
    expect(() => checkLabName(name)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });

  it.each([0, 27, 1.5, Number.NaN])('refuses %d hosts', (count) => {
    expect(() => hostNames(count)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});
