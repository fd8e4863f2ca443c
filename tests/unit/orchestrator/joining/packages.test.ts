// The command lines that a machine's package manager is given.
import { describe, expect, it } from '@jest/globals';
import { runProcess } from '../../../../src/core/run-process.ts';
import { packageManagerOf, packageManagers } from '../../../../src/orchestrator/joining/packages.ts';

describe('package managers', () => {
  it.each([
    [
      'apt-get',
      /^DEBIAN_FRONTEND=noninteractive apt-get -y -q .*-o DPkg::Lock::Timeout=300 .*install --no-install-recommends rsync conmon$/,
    ],
    [
      'dnf',
      /^dnf -y -q --setopt=timeout=15 --setopt=retries=3 --setopt=install_weak_deps=False install rsync conmon$/,
    ],
  ] as const)('%s installs without asking, and nothing beside', (manager, line) => {
    expect(packageManagers[manager].install(['rsync', 'conmon'])).toMatch(line);
  });

  it.each(Object.entries(packageManagers))(
    '%s: every line is one that sh understands',
    async (_, manager) => {
      const { list, quiet, mend, refresh, remove } = manager;
      for (const line of [list, quiet, mend, refresh, remove, manager.install(['rsync'])])
        await runProcess('sh', ['-n', '-c', line]);
    },
  );

  it('lists what is installed here by its name, and nothing else', async () => {
    const { stdout } = await runProcess('sh', ['-c', packageManagers['apt-get'].list]);
    expect(stdout.split('\n')).toContain('dpkg');
    expect(stdout).toMatch(/^[a-z0-9][a-z0-9.+-]*$/m);
    expect(stdout).not.toMatch(/[^a-z0-9.+\n-]/);
  });
});

/** ID and ID_LIKE of /etc/os-release, as these distributions have them, and the package managers that they have. */
const distributions: [string, string, string, string[], string | undefined][] = [
  ['Debian GNU/Linux 12 (bookworm)', 'debian', '', ['apt-get'], 'apt-get'],
  ['Ubuntu 24.04.1 LTS', 'ubuntu', 'debian', ['apt-get'], 'apt-get'],
  ['Linux Mint 22', 'linuxmint', 'ubuntu debian', ['apt-get'], 'apt-get'],
  ['Raspbian GNU/Linux 12 (bookworm)', 'raspbian', 'debian', ['apt-get'], 'apt-get'],
  ['Fedora Linux 41 (Server Edition)', 'fedora', '', ['dnf'], 'dnf'],
  ['Red Hat Enterprise Linux 9.4 (Plow)', 'rhel', 'fedora', ['dnf'], 'dnf'],
  ['CentOS Stream 9', 'centos', 'rhel fedora', ['dnf'], 'dnf'],
  ['Rocky Linux 9.4 (Blue Onyx)', 'rocky', 'rhel centos fedora', ['dnf'], 'dnf'],
  ['AlmaLinux 9.4 (Seafoam Ocelot)', 'almalinux', 'rhel centos fedora', ['dnf'], 'dnf'],
  ['Oracle Linux Server 9.4', 'ol', 'fedora', ['dnf'], 'dnf'],
  ['Amazon Linux 2023', 'amzn', 'fedora', ['dnf'], 'dnf'],
  ['Amazon Linux 2', 'amzn', 'centos rhel fedora', [], undefined],
  ['Fedora CoreOS 40', 'fedora', '', [], undefined],
  ['openSUSE Leap 15.6', 'opensuse-leap', 'suse opensuse', [], undefined],
  ['Alpine Linux v3.20', 'alpine', '', [], undefined],
  ['Arch Linux', 'arch', '', [], undefined],
  ['', '', '', [], undefined],
];

it.each(distributions)('%s: its package manager, or a clear word', (name, id, like, has, manager) => {
  const facts = {
    distribution: { id, like: like.split(' ').filter(Boolean), name },
    programs: Object.fromEntries(has.map((program) => [program, `/usr/bin/${program}`])),
  };
  if (manager) expect(packageManagerOf(facts)).toBe(manager);
  else
    expect(() => packageManagerOf(facts)).toThrow(
      /(has no dnf, by which|nothing is known of how (this system|openSUSE|Alpine|Arch).* installs) packages/,
    );
});

it('names every package as each distribution does', () => {
  const { 'apt-get': apt, dnf } = packageManagers;
  // In Debian 12 and Ubuntu 24.04; in Fedora 41, and busybox for RHEL in EPEL.
  expect([...new Set([...Object.values(apt.packages), apt.broker])].sort()).toEqual(
    'busybox conmon criu iproute2 nftables openssh-client patchelf procps rabbitmq-server rsync runc tar util-linux xz-utils zstd'.split(
      ' ',
    ),
  );
  expect([...new Set([...Object.values(dnf.packages), dnf.broker])].sort()).toEqual(
    'busybox conmon criu iproute iproute-tc nftables openssh-clients procps-ng rabbitmq-server rsync runc tar util-linux xz zstd'.split(
      ' ',
    ),
  );
  expect(Object.keys(dnf.packages).sort()).toEqual(
    Object.keys(apt.packages)
      .filter((program) => program !== 'patchelf')
      .sort(),
  );
});
