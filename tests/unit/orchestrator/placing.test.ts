// Where applications go and which addresses they get, or why not.
import { describe, expect, it } from '@jest/globals';
import type { ApplicationManifest } from '../../../src/contract/application.ts';
import { chooseAddress, parseRange } from '../../../src/orchestrator/address-range.ts';
import { placeApplication } from '../../../src/orchestrator/placing.ts';
import { application, host, inventory } from './inventories.ts';

const manifest = (name: string, where: string, address?: string): ApplicationManifest => {
  const { apiVersion, kind, metadata, spec } = application(name, {}, { host: where });
  return { apiVersion, kind, metadata, spec: { ...spec, ...(address ? { network: { address } } : {}) } };
};

const refusal = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('it was not refused');
};

describe('placeApplication', () => {
  it('puts a new application where its manifest says, with an address that nobody has', () => {
    const taken = [application('one'), application('two', { address: '10.77.0.11' })];
    const placement = placeApplication(
      inventory({ applications: taken }),
      manifest('new', 'host-b'),
      new Set(['10.77.0.12']),
    );
    expect(placement.host.metadata.name).toBe('host-b');
    expect(placement.address).toBe('10.77.0.13');
    expect(placement.existing).toBeUndefined();
  });

  it('refuses a host port that another application has there', () => {
    const owner = application('owner');
    owner.spec.network = { ports: [{ port: 80, hostPort: 8080, hosts: ['host-a', 'host-b'] }] };
    const wanted = (hosts: 'all' | string[] | undefined, hostPort = 8080) => {
      const { spec, ...rest } = manifest('new', 'host-b');
      const ports = [{ port: 80, hostPort, ...(hosts ? { hosts } : {}) }];
      return placeApplication(
        inventory({ applications: [owner], hosts: ['host-a', 'host-b', 'host-c'].map((name) => host(name)) }),
        {
          ...rest,
          spec: { ...spec, network: { ports } },
        },
      );
    };
    for (const hosts of [undefined, 'all' as const, ['all'], ['host-b']])
      expect(refusal(() => wanted(hosts))).toMatchObject({
        code: 'conflict',
        message: 'the host port 8080/tcp of application new belongs to owner',
      });
    expect(refusal(() => wanted(['host-x']))).toMatchObject({ code: 'not-found' });
    expect(wanted(['host-c']).host.metadata.name).toBe('host-b');
    expect(wanted(undefined, 8081).host.metadata.name).toBe('host-b');
  });

  it('puts nothing new on a host that is cordoned, and leaves what is there', () => {
    const cordoned = host('host-b');
    cordoned.spec.unschedulable = true;
    const hosts = [host('host-a'), cordoned, host('host-c')];
    const refused = refusal(() => placeApplication(inventory({ hosts }), manifest('new', 'host-b')));
    expect(refused).toMatchObject({
      code: 'conflict',
      hint: expect.stringMatching(/\(host-a, host-c\).*cmig uncordon host-b$/),
    });
    const running = application('shop', { host: 'host-b' });
    const stays = placeApplication(inventory({ hosts, applications: [running] }), manifest('shop', 'host-b'));
    expect(stays.host.metadata.name).toBe('host-b');
  });

  it('leaves an application where it is, and says so', () => {
    const running = application('shop', { host: 'host-b', address: '10.77.0.40' });
    const placement = placeApplication(inventory({ applications: [running] }), manifest('shop', 'host-a'));
    expect(placement.host.metadata.name).toBe('host-b');
    expect(placement.address).toBe('10.77.0.40');
    expect(placement.notes.join()).toContain('cmig migrate shop host-a');
  });

  it('gives each impossibility an error of its own', () => {
    const seen = inventory({
      hosts: [
        host('host-a'),
        host('host-b', { condition: 'NotReady', message: 'host-b did not answer within 3 s' }),
        host('host-c', { condition: 'Incompatible', protocolVersion: 7 }),
      ],
      applications: [
        application('shop'),
        application('moving', { phase: 'Migrating', address: '10.77.0.11' }),
      ],
    });
    const place = (...words: Parameters<typeof manifest>) =>
      refusal(() => placeApplication(seen, manifest(...words)));
    expect(place('new', 'hots-a')).toMatchObject({
      code: 'not-found',
      hint: expect.stringContaining('host-a'),
    });
    expect(place('new', 'host-b')).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('3 s'),
    });
    expect(place('new', 'host-c')).toMatchObject({ code: 'incompatible' });
    expect(place('new', 'host-a', '10.77.0.10')).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('application shop'),
    });
    expect(place('new', 'host-a', '10.77.0.3')).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('host host-b'),
    });
    expect(place('new', 'host-a', '10.78.0.3')).toMatchObject({ code: 'invalid' });
    expect(place('moving', 'host-a')).toMatchObject({ code: 'conflict' });
  });
});

describe('chooseAddress', () => {
  it('uses a range to its last address, and says when none is left', () => {
    const range = parseRange('192.168.7.16/29');
    const taken = new Set<string>();
    for (let count = 0; count < 6; count++) taken.add(chooseAddress(range, taken));
    expect([...taken].sort()).toEqual([17, 18, 19, 20, 21, 22].map((last) => `192.168.7.${last}`));
    expect(refusal(() => chooseAddress(range, taken)).code).toBe('conflict');
  });

  it('takes the first addresses of a wide range last', () => {
    expect(chooseAddress(parseRange('10.77.0.0/24'), new Set())).toBe('10.77.0.10');
  });
});
