// What a host forwards: which ports lead to which applications, and who may go out.
import { describe, expect, it } from '@jest/globals';
import { forwardingRules } from '../../../../agent/network/forwarding.ts';
import type { NetworkView } from '../../../../agent/network/neighbourhood.ts';

const settings = { bridge: 'cmig0', range: '10.77.0.0/17', overlay: true };
const own = { name: 'host-a', overlay: { address: '10.77.127.5' } } as NetworkView['own'];
const place = {
  application: 'shop',
  mac: '02:00:00:00:00:01',
  epoch: 1,
  host: 'host-b',
  address: '10.77.0.10',
};
const rulesFor = (changes: Partial<NetworkView['places'][number]>, host = own) =>
  forwardingRules(settings, { own: host, hosts: [], places: [{ ...place, ...changes }] });

describe('forwardingRules', () => {
  it('lead a published port to the application, by the host’s own address', () => {
    const rules = rulesFor({ ports: [{ port: 80, hostPort: 8080 }] });
    expect(rules).toContain('tcp dport 8080 dnat to 10.77.0.10:80');
    expect(rules).toContain('oifname "cmig0" ct status dnat snat to 10.77.127.5');
    expect(rules).not.toContain('masquerade');
  });

  it('leave a port to the program of this host that has it', () => {
    const view = { own, hosts: [], places: [{ ...place, ports: [{ port: 80, hostPort: 22 }] }] };
    expect(forwardingRules(settings, view, new Set(['22/udp']))).toContain('dport 22');
    expect(forwardingRules(settings, view, new Set(['22/tcp']))).toBeUndefined();
  });

  it('are none where another host publishes it, or is the way to the world', () => {
    expect(
      rulesFor({ ports: [{ port: 80, hostPort: 8080, hosts: ['host-c'] }], egress: 'host-c' }),
    ).toBeUndefined();
  });

  it('leave all else alone where the bridge is the host’s own network too', () => {
    const ports = [{ port: 80, hostPort: 8080 }];
    const view = { own: { name: 'host-a' } as NetworkView['own'], hosts: [], places: [{ ...place, ports }] };
    const rules = forwardingRules({ ...settings, overlay: false }, view);
    expect(rules).toContain('ct status dnat masquerade');
    expect(rules).not.toContain('drop');
  });

  it('let out only whose way to the world this host is', () => {
    const rules = rulesFor({ egress: 'host-a' });
    expect(rules).toContain('ip daddr != 10.77.0.0/17 ip saddr { 10.77.0.10 } masquerade');
    expect(rules).toContain('iifname "cmig0" drop');
  });
});
