// How a machine's own package manager is asked: one row a manager, with the packages that bring what an agent needs.
import { CmigError } from '../../core/errors.ts';

export interface PackageManager {
  /** What is installed, a name a line, sorted by `LC_ALL=C sort`. */
  list: string;
  /** Ends an installation that was interrupted. */
  mend: string;
  /** Reads the mirror's lists. */
  refresh: string;
  install(packages: readonly string[]): string;
  /** Removes with their configuration what is named by standard input, a name a line. */
  remove: string;
  /** Program: the package that brings it. */
  packages: Record<string, string>;
  /** The same of what is needed only where hosts encrypt the overlay. */
  encryption: Record<string, string>;
}

const aptOptions =
  '-y -q -o Acquire::Retries=3 -o APT::Keep-Downloaded-Packages=false -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold';
const shared = { rsync: 'rsync', nft: 'nftables', conmon: 'conmon', criu: 'criu', runc: 'runc' };

export const packageManagers: Record<'apt-get' | 'dnf', PackageManager> = {
  'apt-get': {
    list: `dpkg-query -W -f '\${db:Status-Abbrev}\${Package}\\n' | sed -n 's/^ii *//p'`,
    mend: 'dpkg --configure -a',
    refresh: `apt-get ${aptOptions} update`,
    install: (packages) =>
      `DEBIAN_FRONTEND=noninteractive apt-get ${aptOptions} install --no-install-recommends ${packages.join(' ')}`,
    remove: `DEBIAN_FRONTEND=noninteractive xargs -r apt-get ${aptOptions} purge`,
    packages: {
      ...shared,
      ip: 'iproute2',
      tc: 'iproute2',
      busybox: 'busybox',
      patchelf: 'patchelf',
      ssh: 'openssh-client',
      sysctl: 'procps',
      ps: 'procps',
      zstd: 'zstd',
      xz: 'xz-utils',
      nsenter: 'util-linux',
      flock: 'util-linux',
      tar: 'tar',
    },
    encryption: { wg: 'wireguard-tools', 'wireguard-go': 'wireguard-go' },
  },
  dnf: {
    list: "rpm -qa --qf '%{NAME}\\n'",
    mend: 'true',
    refresh: 'dnf -y -q makecache',
    install: (packages) => `dnf -y -q --setopt=install_weak_deps=False install ${packages.join(' ')}`,
    remove: 'xargs -r dnf -y -q remove --noautoremove',
    packages: {
      ...shared,
      ip: 'iproute',
      tc: 'iproute-tc',
      busybox: 'busybox',
      ssh: 'openssh-clients',
      sysctl: 'procps-ng',
      ps: 'procps-ng',
      zstd: 'zstd',
      xz: 'xz',
      nsenter: 'util-linux',
      flock: 'util-linux',
      tar: 'tar',
    },
    // Its kernels have WireGuard.
    encryption: { wg: 'wireguard-tools' },
  },
};

const families: [RegExp, 'apt-get' | 'dnf'][] = [
  [/^(debian|ubuntu)$/, 'apt-get'],
  [/^(fedora|rhel|centos)$/, 'dnf'],
];

/** By the distribution, or by those that it says it is like. @throws CmigError `unsupported` */
export function packageManagerOf(distribution: {
  id: string;
  like: readonly string[];
  name: string;
}): 'apt-get' | 'dnf' {
  for (const id of [distribution.id, ...distribution.like]) {
    const found = families.find(([pattern]) => pattern.test(id));
    if (found) return found[1];
  }
  throw new CmigError(
    'unsupported',
    `nothing is known of how ${distribution.name || 'this system'} installs packages`,
    {
      hint: 'a host is a Debian, Ubuntu, Fedora or RHEL, or one that calls itself like them in /etc/os-release; the README says how another is set up by hand',
    },
  );
}
