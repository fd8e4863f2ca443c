// How a machine's own package manager is asked: one row a manager, with the packages that bring what an agent needs.
import { CmigError } from '../../core/errors.ts';
import type { MachineFacts } from './machine-facts.ts';

export interface PackageManager {
  /** What is installed, a name a line, sorted by `LC_ALL=C sort`. */
  list: string;
  /** Keeps what is installed from being started by that, until the shell ends. */
  quiet: string;
  /** Ends an installation that was interrupted. */
  mend: string;
  /** Reads the mirror's lists. */
  refresh: string;
  install(packages: readonly string[]): string;
  /** Whether it is to be given up, by the log of it: its mirror has fallen silent, and it would wait for each single file. */
  isStuck: string;
  /** Removes with their configuration what is named by standard input, a name a line. */
  remove: string;
  /** Names what is installed and needed by these packages, themselves included, a name a line; nobody is to remove that. */
  needed(packages: readonly string[]): string;
  /** Program: the package that brings it. */
  packages: Record<string, string>;
  /** The same of what is needed only where hosts encrypt the overlay. */
  encryption: Record<string, string>;
  /** The package of RabbitMQ. */
  broker: string;
  /** What may be the matter where a package is not found. */
  absent: string;
}

const aptOptions =
  '-y -q -o Acquire::Retries=3 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 -o APT::Keep-Downloaded-Packages=false -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold';
/** Debian starts a daemon as soon as it is installed; policy-rc.d is the door to say no. One that was there comes back. */
const noDaemons = `mark='# put here by cmig while it installs packages' policy=/usr/sbin/policy-rc.d
back() { if grep -qsF "$mark" "$policy"; then rm -f "$policy"; fi; if [ -e "$policy.before-cmig" ]; then mv "$policy.before-cmig" "$policy"; fi; }
trap back EXIT; back
if [ -e "$policy" ]; then mv "$policy" "$policy.before-cmig"; fi
printf '%s\\n' '#!/bin/sh' "$mark" 'exit 101' >"$policy"; chmod 755 "$policy"`;
/** What they depend on, and so on; of alternatives, and of those that provide what is asked for, all. */
const neededByDpkg = (packages: readonly string[]): string =>
  `dpkg-query -W -f '\${Package}\\t\${Depends}, \${Pre-Depends}\\t\${Provides}\\n' | awk -F '\\t' -v wanted='${packages.join(' ')}' '
function names(text) { gsub(/[(][^)]*[)]|:[a-z0-9-]+/, "", text); gsub(/[,|]/, " ", text); return text }
{ depends[$1] = names($2); n = split(names($3), each, " "); for (i = 1; i <= n; i++) providers[each[i]] = providers[each[i]] " " $1 }
END {
  while (n = split(wanted, each, " ")) {
    wanted = ""
    for (i = 1; i <= n; i++) if (!(each[i] in seen)) { seen[each[i]]; wanted = wanted " " depends[each[i]] providers[each[i]] }
  }
  for (name in seen) print name
}'`;
const shared = { rsync: 'rsync', nft: 'nftables', conmon: 'conmon', criu: 'criu', runc: 'runc' };

export const packageManagers: Record<'apt-get' | 'dnf', PackageManager> = {
  'apt-get': {
    list: `dpkg-query -W -f '\${db:Status-Abbrev}\${Package}\\n' | sed -n 's/^ii *//p'`,
    quiet: noDaemons,
    mend: 'dpkg --configure -a',
    refresh: `apt-get ${aptOptions} update`,
    install: (packages) =>
      `DEBIAN_FRONTEND=noninteractive apt-get ${aptOptions} install --no-install-recommends ${packages.join(' ')}`,
    isStuck: `[ "$(grep -c '^Ign:' "$log")" -ge 5 ] && ! grep -q '^Fetched' "$log"`,
    remove: `DEBIAN_FRONTEND=noninteractive xargs -r apt-get ${aptOptions} purge`,
    needed: neededByDpkg,
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
    broker: 'rabbitmq-server',
    absent: 'does the machine reach its package mirror?',
  },
  dnf: {
    list: "rpm -qa --qf '%{NAME}\\n'",
    quiet: 'true',
    mend: 'true',
    refresh: 'dnf -y -q makecache',
    install: (packages) =>
      `dnf -y -q --setopt=timeout=15 --setopt=retries=3 --setopt=install_weak_deps=False install ${packages.join(' ')}`,
    isStuck: 'false',
    remove: 'xargs -r dnf -y -q remove --noautoremove',
    // It is asked for nothing here: all stays, but for the other's own.
    needed: (packages) =>
      `rpm -qa --qf '%{NAME}\\n'${packages.includes('rabbitmq-server') ? '' : " | grep -vE '^(rabbitmq-server|erlang.*)$'"}`,
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
    broker: 'rabbitmq-server',
    absent:
      "does the machine reach its package mirror? RHEL and its like have busybox in EPEL (dnf install epel-release) and RabbitMQ in its makers' repository; a RHEL 10 wants a runc of yours in /usr/local/sbin.",
  },
};

/** What undoes the set-up of a host or of the broker is told: how packages are removed, and which of them the other one needs. */
export function removalArguments(facts: Parameters<typeof packageManagerOf>[0], other: 'host' | 'broker') {
  const { remove, needed, packages, encryption, broker } = packageManagers[packageManagerOf(facts)];
  const names = other === 'broker' ? [broker] : Object.values({ ...packages, ...encryption });
  return [remove, needed([...new Set(names)])];
}

const families: [RegExp, 'apt-get' | 'dnf'][] = [
  [/^(debian|ubuntu)$/, 'apt-get'],
  [/^(fedora|rhel|centos)$/, 'dnf'],
];

/**
 * By the distribution, or by those that it says it is like.
 * @throws CmigError `unsupported`; also where it has not got what its kin have, such as Amazon Linux 2, or a Fedora CoreOS
 */
export function packageManagerOf({
  distribution,
  programs,
}: Pick<MachineFacts, 'distribution' | 'programs'>): 'apt-get' | 'dnf' {
  const { id, like, name } = distribution;
  const kin = [id, ...like].find((each) => families.some(([pattern]) => pattern.test(each)));
  const manager = families.find(([pattern]) => kin !== undefined && pattern.test(kin))?.[1];
  if (manager && programs[manager]) return manager;
  throw new CmigError(
    'unsupported',
    manager
      ? `${name} has no ${manager}, by which packages would be installed`
      : `nothing is known of how ${name || 'this system'} installs packages`,
    {
      hint: 'a host is a Debian, Ubuntu, Fedora or RHEL, or one that calls itself like them in /etc/os-release; the README says how another is set up by hand',
    },
  );
}
