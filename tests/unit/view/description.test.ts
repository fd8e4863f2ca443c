// The layout of `describe`, and what it tells of an application's network.
import { describe, expect, it } from '@jest/globals';
import type { Host } from '../../../src/contract/host.ts';
import { layOutDescription } from '../../../src/view/description.ts';
import { applicationView } from '../../../src/view/kinds/application.ts';
import { hostView } from '../../../src/view/kinds/host.ts';
import { applicationOn, hostNamed } from './read-model/states.ts';

describe('layOutDescription', () => {
  it('aligns values, nests sections, leaves out what is undefined and says what is empty', () => {
    expect(
      layOutDescription([
        ['Name', 'shop'],
        ['Message', undefined],
        ['Labels', ['tier=web', 'env=prod']],
        ['Volumes', []],
        ['Containers', [['web', [['State', 'Running']]]]],
      ]),
    ).toEqual([
      'Name:     shop',
      'Labels:   tier=web',
      '          env=prod',
      'Volumes:  <none>',
      'Containers:',
      '  web:',
      '    State:  Running',
    ]);
  });
});

describe('an application', () => {
  const shop = applicationOn('host-a');
  const described = (network: NonNullable<typeof shop.spec.network>) =>
    layOutDescription(applicationView.describe({ ...shop, spec: { ...shop.spec, network } })).join('\n');

  it('is described with who reaches it, and by which way it reaches the world', () => {
    const text = described({
      ports: [
        { port: 80, hostPort: 8080 },
        { port: 53, hostPort: 5353, protocol: 'udp', hosts: ['host-a', 'host-b'] },
      ],
      allow: [{ application: 'web' }, { labels: { tier: 'front' } }, { cidr: '10.0.0.0/8' }],
      egress: 'host-c',
    });
    expect(text).toMatch(/^Published: +tcp 8080 of all hosts to 80\n +udp 5353 of host-a, host-b to 53$/m);
    expect(text).toMatch(
      /^Allowed: +application web\n +applications with tier=front\n +10\.0\.0\.0\/8\nEgress: +host-c$/m,
    );
  });

  it('that lets nobody in says so, and one that does not say is silent of it', () => {
    expect(described({ allow: [] })).toMatch(/^Allowed: +nobody$/m);
    expect(described({})).not.toMatch(/Published|Allowed|Egress/);
  });
});

describe('a host', () => {
  const clockOf = (clock: Host['status']['clock']) => {
    const host = hostNamed('host-a');
    const described = { ...host, status: { ...host.status, ...(clock ? { clock } : {}) } };
    return /Clock: +(.*)/.exec(layOutDescription(hostView.describe(described)).join('\n'))?.[1];
  };

  it('is described with its clock, as far as that was measured', () => {
    expect(clockOf({ aheadMs: -302, uncertainMs: 1.5 })).toBe('0.302 s behind this machine (± 2 ms)');
    expect(clockOf({ aheadMs: 61_000, uncertainMs: 40 })).toBe('61.0 s ahead of this machine (± 40 ms)');
    expect(clockOf({ aheadMs: -2, uncertainMs: 2 })).toBe('that of this machine, to 2 ms');
    expect(clockOf(undefined)).toBeUndefined();
  });
});
