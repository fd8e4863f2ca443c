// The network namespace of an application, its address, and the lock that holds its peers while it is frozen.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { ApplicationManifest } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { Announcements } from './announcements.ts';
import { applyEdge } from './apply-edge.ts';
import { namespaceFolder, namespaceName, namespacePath, namespacePrefix } from './namespace-path.ts';

export interface NetworkSettings {
  /** The bridge of this host that applications are attached to. */
  bridge: string;
  /** The range of all applications, in CIDR notation; its prefix length is that of their addresses. */
  range: string;
  gateway?: string | undefined;
  /** Of the applications' links; the kernel's own choice if absent. */
  mtu?: number | undefined;
}

/** Who has to know where an application's network is. */
export interface PlaceKeeper {
  hold(record: ApplicationRecord): void;
  release(application: string): void;
  /** By which it reaches the world. */
  gateway(manifest: ApplicationManifest): string | undefined;
  /** Who may connect, for nft in its namespace. */
  edgeRules(manifest: ApplicationManifest): string;
  /** What keeps it from the world. */
  problem(application: string): string | undefined;
}

export interface NetworkIdentity {
  address: string;
  mac: string;
  /** Absent where it has no way to the world. */
  manifest?: ApplicationManifest;
}

/** The host's end of the application's link. Interface names end at 15 characters, so it is a digest. */
export const linkName = (application: string): string =>
  `cm${createHash('sha256').update(application).digest('hex').slice(0, 11)}`;

/** A locally administered address that follows from the name, so that it is the same on every host. */
export const macOf = (application: string): string => {
  const digest = createHash('sha256').update(application).digest();
  return ['02', ...[...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
};

/**
 * What the lock says. Loopback is closed too: containers are dumped one beside the other, and what one sent after its
 * sibling was dumped would be acknowledged and lost. Peers get host-unreachable instead of silence, because a sender
 * that hears it does not back off its retransmission timer (RFC 6069); UDP and the rest are dropped. Protocols are
 * numbers (6 TCP, 1 ICMP, 58 ICMPv6), because nft looks names up in /etc/protocols, which a small system has not.
 */
const lockRules = `table inet cmig_lock
delete table inet cmig_lock
table inet cmig_lock {
  chain incoming {
    type filter hook input priority -300; policy drop;
    iif != "lo" meta l4proto 6 reject with icmpx type host-unreachable
  }
  chain outgoing {
    type filter hook output priority -300; policy drop;
    meta l4proto { 1, 58 } accept
  }
}
`;
const unlockRules = 'table inet cmig_lock\ndelete table inet cmig_lock\n';

/** Makes, locks and removes the network namespaces of this host's applications. Every method may be called again. */
export class ApplicationNetwork {
  readonly #settings: NetworkSettings;
  readonly #places: PlaceKeeper | undefined;
  readonly #announcements = new Announcements((application, address) => this.#announce(application, address));

  constructor(settings: NetworkSettings, places?: PlaceKeeper) {
    this.#settings = settings;
    this.#places = places;
  }

  exists(application: string): boolean {
    return existsSync(namespacePath(application));
  }

  /** The applications that have a namespace on this host, whether or not anything knows of them. */
  async list(): Promise<string[]> {
    const names = await readdir(namespaceFolder).catch(() => []);
    return names
      .filter((name) => name.startsWith(namespacePrefix))
      .map((name) => name.slice(namespacePrefix.length));
  }

  /**
   * Makes the namespace with its address. With `locked` the lock is on before there is a link, and the link is not
   * attached: nobody on the network learns of it until attach().
   */
  async create(
    application: string,
    { address, mac, manifest }: NetworkIdentity,
    { locked = false } = {},
  ): Promise<void> {
    await this.#remove(application);
    const name = namespaceName(application);
    const link = linkName(application);
    await runProcess('ip', ['netns', 'add', name]);
    // Peers of a locked namespace must all be answered, not one a second. Not every kernel has the second setting.
    await this.#inside(application, [
      'sysctl',
      '-qe',
      '-w',
      'net.ipv4.icmp_ratelimit=0',
      'net.ipv4.icmp_msgs_per_sec=100000',
    ]);
    if (locked) await this.lock(application);
    if (manifest?.spec.network?.allow && this.#places)
      await applyEdge(application, this.#places.edgeRules(manifest));
    const prefix = this.#settings.range.split('/')[1] ?? '24';
    const gateway = this.#gateway(manifest);
    const mtu = this.#settings.mtu ? ['mtu', String(this.#settings.mtu)] : [];
    await runProcess('ip', [
      'link',
      'add',
      link,
      // A bridge takes on the lowest address of its ports: were that this link's, the host would be lost to its neighbours
      // when the application has left, until they ask for its address again, which takes them a minute.
      'address',
      `fe${mac.slice(2)}`,
      ...mtu,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'address',
      mac,
      ...mtu,
      'netns',
      name,
    ]);
    await runProcess('ip', ['-n', name, '-batch', '-'], {
      input: [
        'link set lo up',
        `addr add ${address}/${prefix} dev eth0`,
        'link set eth0 up',
        ...(gateway ? [`route add default via ${gateway}`] : []),
        '',
      ].join('\n'),
    });
    await runProcess('ip', ['link', 'set', link, 'master', this.#settings.bridge]);
    if (!locked) await this.attach(application);
  }

  #gateway(manifest: ApplicationManifest | undefined): string | undefined {
    return this.#settings.gateway ?? (manifest && this.#places?.gateway(manifest));
  }

  /** For one that was deployed again while its namespace was there. */
  async update(record: ApplicationRecord): Promise<void> {
    const { name } = record.manifest.metadata;
    this.#places?.hold(record);
    if (this.#places) await applyEdge(name, this.#places.edgeRules(record.manifest));
    const gateway = this.#gateway(record.manifest);
    if (!gateway) return;
    await runProcess('ip', ['-n', namespaceName(name), 'route', 'replace', 'default', 'via', gateway]);
  }

  /** What keeps an application from the world, though it runs. */
  problem(application: string): string | undefined {
    return this.#places?.problem(application);
  }

  /** Whether its making came to its end, which is that its link joined the network; until detach(). */
  async isAttached(application: string): Promise<boolean> {
    const show = ['-oneline', 'link', 'show', 'dev', linkName(application)];
    const { stdout } = await runProcess('ip', show, { allowedExitCodes: [0, 1] });
    return /[<,]UP[,>].* master /.test(stdout);
  }

  /** The application's link joins the network. */
  async attach(application: string): Promise<void> {
    await runProcess('ip', ['link', 'set', linkName(application), 'up']);
  }

  /** The application's link leaves the network: its address is free for the destination. */
  async detach(application: string): Promise<void> {
    this.#announcements.end(application);
    await runProcess('ip', ['link', 'set', linkName(application), 'down']);
  }

  async lock(application: string): Promise<void> {
    await this.#nft(application, lockRules);
  }

  async unlock(application: string): Promise<void> {
    await this.#nft(application, unlockRules);
  }

  async isLocked(application: string): Promise<boolean> {
    const { stdout } = await this.#inside(application, ['nft', 'list', 'tables']);
    return stdout.includes('cmig_lock');
  }

  /**
   * Tells the network where the address now is: switches, which would go on sending to the old port (gratuitous ARP),
   * and the other hosts.
   */
  announce(record: ApplicationRecord): Promise<void> {
    this.#places?.hold(record);
    return this.#announcements.begin(record.manifest.metadata.name, record.address);
  }

  async destroy(application: string): Promise<void> {
    await this.#remove(application);
    this.#places?.release(application);
  }

  async #remove(application: string): Promise<void> {
    this.#announcements.end(application);
    await runProcess('ip', ['link', 'del', linkName(application)], { allowedExitCodes: [0, 1] });
    if (this.exists(application)) await runProcess('ip', ['netns', 'del', namespaceName(application)]);
  }

  /** Established TCP connections with a peer outside the application. */
  async countConnections(application: string, address: string): Promise<number> {
    const { stdout } = await this.#inside(application, [
      'ss',
      '-tHn',
      'state',
      'established',
      'src',
      address,
    ]);
    return stdout
      .split('\n')
      .filter((line) => line.trim() && !(line.trim().split(/\s+/)[3] ?? '').startsWith(`${address}:`)).length;
  }

  async #announce(application: string, address: string): Promise<void> {
    const arping = ['busybox', 'arping', '-U', '-c', '1', '-w', '1', '-I', 'eth0', address];
    await this.#inside(application, arping, [0, 1]);
  }

  async #nft(application: string, rules: string): Promise<void> {
    await this.#inside(application, ['nft', '-f', '-'], [0], rules);
  }

  // `ip netns exec` would put a new /sys over the cgroups, and is slower; nsenter only changes the network.
  async #inside(application: string, argv: string[], allowedExitCodes = [0], input?: string) {
    if (!this.exists(application)) {
      throw new CmigError('conflict', `the network namespace of ${application} does not exist on this host`);
    }
    return await runProcess('nsenter', [`--net=${namespacePath(application)}`, '--', ...argv], {
      allowedExitCodes,
      timeoutMs: 10_000,
      ...(input === undefined ? {} : { input }),
    });
  }
}
