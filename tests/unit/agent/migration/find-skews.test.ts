// What is known to break between two machines: every row at its boundaries, and nothing where nothing differs.
import { describe, expect, it } from '@jest/globals';
import { findSkews } from '../../../../agent/migration/find-skews.ts';
import { knownSkews } from '../../../../agent/migration/known-skews.ts';
import type { Skew } from '../../../../agent/migration/skew.ts';

const machine = {
  architecture: 'x64',
  kernel: '6.18.44-amd64',
  criu: '4.2.1',
  runc: '1.3.6',
  cgroupVersion: 2,
  pageSizeBytes: 4096,
  timeNamespaces: true,
  securityModule: 'none',
  ipv6: true,
  shadowStacks: false,
} as const;
const uses = { securityLabels: [], ownTimeNamespace: false, ipv6Sockets: 0, shadowStacks: false };

interface Differences {
  from?: Partial<Skew['from']>;
  to?: Partial<Skew['to']>;
  uses?: Partial<typeof uses> | { securityLabels: string[] };
  clocks?: Skew['clocks'];
  isDumped?: boolean;
}

const skew = (differences: Differences): Skew => ({
  from: { ...machine, ...differences.from, name: 'host-a' },
  to: { ...machine, ...differences.to, name: 'host-b' },
  uses: { ...uses, ...differences.uses },
  clocks: differences.clocks,
  ...(differences.isDumped ? { isDumped: true } : {}),
});

/** Which rows say something, as `effect where source`, the source without what all of them begin with. */
const found = (differences: Differences): string[] => {
  const { problems, warnings } = findSkews(skew(differences));
  const of = (effect: string, list: typeof problems) =>
    list.map(({ where, source }) => `${effect} ${where} ${source!.split('/').slice(-2).join('/')}`);
  return [...of('refuse', problems), ...of('warn', warnings)];
};

/** A row must speak of the one, and must not of the other. */
const boundaries: [row: string, speaks: Differences, silent: Differences][] = [
  ['refuse criu issues/2847', { to: { criu: '4.1.1' } }, { to: { criu: '4.2' } }],
  [
    'refuse criu issues/2847',
    { from: { criu: '4.2' }, to: { criu: '4.1' } },
    { from: { criu: '4.1.1' }, to: { criu: '4.1' } },
  ],
  [
    'refuse criu commit/afb2e6c3f95dd0b15f739d9669bd7eaf120a2f31',
    { from: { criu: '4.0' }, to: { criu: '3.19' } },
    { from: { criu: '3.19' }, to: { criu: '4.0' } },
  ],
  [
    'warn criu images/fdinfo.proto',
    { from: { criu: '4.1' }, to: { criu: '4.0' } },
    { from: { criu: '4.1.1' }, to: { criu: '4.1' } },
  ],
  ['warn criu issues/1696', { to: { criu: '3.16.1' } }, { to: { criu: '3.17' } }],
  [
    'warn criu issues/1696',
    { to: { criu: '3.16.1', kernel: '4.18.0' } },
    { to: { criu: '3.16.1', kernel: '4.17.9' } },
  ],
  [
    'warn criu issues/2532',
    { to: { criu: '4.0', kernel: '6.13.0' } },
    { to: { criu: '4.0', kernel: '6.12.63' } },
  ],
  ['warn criu issues/2532', { to: { criu: '4.0' } }, { to: { criu: '4.1' } }],
  ['warn criu issues/2532', { to: { criu: '4.0' } }, { to: { criu: '4.0', architecture: 'arm64' } }],
  ['warn criu issues/2694', { to: { criu: '4.1' } }, { to: { criu: '4.1.1' } }],
  [
    'warn criu issues/2694',
    { to: { criu: '4.1', kernel: '6.16' } },
    { to: { criu: '4.1', kernel: '6.15.11' } },
  ],
  [
    'warn criu issues/2705',
    { from: { criu: '4.1.1', kernel: '6.16.0' } },
    { from: { criu: '4.1.1', kernel: '6.15.9' } },
  ],
  ['warn criu issues/2705', { from: { criu: '4.1.1' } }, { from: { criu: '4.1.1' }, isDumped: true }],
  ['warn criu issues/2705', { to: { criu: '4.1.1' } }, { to: { criu: '4.2' } }],
  ['warn kernel issues/2070', { from: { kernel: '5.12.19' } }, { from: { kernel: '5.13' } }],
  ['warn kernel issues/2070', { from: { kernel: '4.18.0-553.el8' } }, { from: { kernel: '4.17' } }],
  [
    'warn kernel issues/2070',
    { from: { kernel: '5.10.0-30' } },
    { from: { kernel: '5.10.0-30' }, isDumped: true },
  ],
  ['warn kernel issues/2070', { to: { kernel: '5.12.19' } }, { to: { kernel: '5.13' } }],
  [
    'warn kernel issues/2626',
    { from: { kernel: '6.13' }, to: { kernel: '6.12.63' } },
    { from: { kernel: '6.12.63' }, to: { kernel: '6.12.1' } },
  ],
  ['warn kernel pull/2652', { from: { kernel: '6.13.0' } }, { from: { kernel: '6.12.99' } }],
  ['warn kernel pull/2652', { from: { kernel: '6.15.11' } }, { from: { kernel: '6.16' } }],
  ['warn kernel man2/syscalls.2.html', { to: { kernel: '6.17.9' } }, { to: { kernel: '6.18.1-other' } }],
  [
    'refuse time pull/1002',
    { to: { timeNamespaces: false }, uses: { ownTimeNamespace: true } },
    { to: { timeNamespaces: false } },
  ],
  [
    'warn time man7/time_namespaces.7.html',
    { to: { timeNamespaces: false } },
    { from: { timeNamespaces: false }, to: { timeNamespaces: false } },
  ],
  [
    'warn time man7/time_namespaces.7.html',
    { from: { timeNamespaces: false } },
    { to: { timeNamespaces: false }, uses: { ownTimeNamespace: true } },
  ],
  [
    'warn time man7/time_namespaces.7.html',
    { clocks: { aheadMs: 1001, uncertainMs: 1 } },
    { clocks: { aheadMs: 1001, uncertainMs: 2 } },
  ],
  [
    'warn time man7/time_namespaces.7.html',
    { clocks: { aheadMs: -1001, uncertainMs: 1 } },
    { clocks: { aheadMs: 0, uncertainMs: 5000 } },
  ],
  ['warn runc pull/4696', { to: { runc: '1.2.6' } }, { to: { runc: '1.2.7' } }],
  ['warn runc pull/4696', { to: { runc: '1.1.15+ds1' } }, { to: { runc: '1.1.15', timeNamespaces: false } }],
  [
    'refuse pagesize man2/mmap.2.html',
    { to: { pageSizeBytes: 65536 } },
    { from: { pageSizeBytes: 65536 }, to: { pageSizeBytes: 65536 } },
  ],
  [
    'refuse security issues/1267',
    { from: { securityModule: 'selinux' }, uses: { securityLabels: ['system_u:system_r:initrc_t:s0'] } },
    { from: { securityModule: 'apparmor' } },
  ],
  [
    'refuse security issues/12437',
    {
      from: { securityModule: 'apparmor' },
      to: { securityModule: 'apparmor', profiles: ['runc'] },
      uses: { securityLabels: ['runc', 'shop'] },
    },
    {
      from: { securityModule: 'apparmor' },
      to: { securityModule: 'apparmor', profiles: ['runc', 'shop'] },
      uses: { securityLabels: ['runc', 'shop'] },
    },
  ],
  [
    'refuse security issues/12437',
    {
      from: { securityModule: 'apparmor' },
      to: { securityModule: 'apparmor', profiles: [] },
      uses: { securityLabels: ['shop'] },
    },
    {
      from: { securityModule: 'apparmor' },
      to: { securityModule: 'apparmor' },
      uses: { securityLabels: ['shop', 'a//&b'] },
    },
  ],
  [
    'refuse cpu x86/shstk.html',
    { from: { shadowStacks: true }, uses: { shadowStacks: true } },
    { from: { shadowStacks: true } },
  ],
  [
    'refuse cpu pull/2306',
    { from: { criu: '3.19' }, uses: { shadowStacks: true } },
    { from: { criu: '4.0' }, uses: { shadowStacks: true } },
  ],
  [
    'refuse network networking/ipv6.html',
    { to: { ipv6: false }, uses: { ipv6Sockets: 1 } },
    { to: { ipv6: false } },
  ],
  [
    'warn cgroup admin-guide/cgroup-v2.html',
    { to: { cgroupVersion: 1 } },
    { from: { cgroupVersion: 1 }, to: { cgroupVersion: 1 } },
  ],
];

describe('known skews', () => {
  it.each(boundaries)('%s', (row, speaks, silent) => {
    const [effect, where, source] = row.split(' ');
    expect(found(speaks)).toContain(`${effect} ${where} ${source}`);
    expect(found(silent)).not.toContain(`${effect} ${where} ${source}`);
  });

  it('are each looked at here, and each says where it is written', () => {
    const spoken = new Set(
      boundaries.flatMap(([, speaks]) => {
        const at = knownSkews.map((row, index) => ({ index, found: findSkews(skew(speaks), [row]) }));
        return at
          .filter(({ found }) => found.problems.length + found.warnings.length > 0)
          .map(({ index }) => index);
      }),
    );
    expect(knownSkews.filter((_, index) => !spoken.has(index))).toEqual([]);
    for (const { source } of knownSkews) expect(new URL(source).protocol).toBe('https:');
  });

  it('are none between two machines that are the same, or of which an older agent tells little', () => {
    expect(found({})).toEqual([]);
    const bare = { architecture: 'x64', kernel: '6.18.44', criu: '4.2.1' };
    expect(findSkews({ from: { ...bare, name: 'host-a' }, to: { ...machine, name: 'host-b' } })).toEqual({
      problems: [],
      warnings: [],
    });
    expect(found({ from: { criu: 'unknown', kernel: '', runc: 'unknown' } })).toEqual([]);
    expect(found({ to: { criu: 'unknown', kernel: '', runc: 'unknown' } })).toEqual([]);
  });

  it('are told in one line: what differs on which host, why that matters, and what to do', () => {
    const { problems } = findSkews(skew({ to: { criu: '4.1.1', kernel: '6.12.63' } }));
    expect(problems).toEqual([
      {
        where: 'criu',
        message:
          'criu 4.2.1 on host-a, criu 4.1.1 on host-b: from 4.2 on its images count pages in a field that earlier ones do not read',
        hint: 'bring criu on host-b to 4.2',
        source: 'https://github.com/checkpoint-restore/criu/issues/2847',
      },
    ]);
    const { warnings } = findSkews(
      skew({ to: { criu: '4.1' }, from: { criu: '4.1' }, clocks: { aheadMs: -2540.5, uncertainMs: 1.5 } }),
    );
    expect(warnings.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'criu 4.1 with kernel 6.18.44-amd64 on host-b: the restore of mounts that are slaves of others fails: Failed to make mount … slave',
        'the clock of host-b is 2.5 s behind that of host-a (± 2 ms): the time of day is not carried along: it jumps for timers, certificates and times of files',
      ]),
    );
  });
});
