// The overlay: VXLAN from this host to every other one, whose forwarding entries the agent writes; nothing is learnt and
// nothing is sent to all. See the kernel's vxlan documentation for `nolearning` and `proxy`.
import { runProcess } from '../../src/core/run-process.ts';
import { forgetNeighbours } from './forget-neighbours.ts';
import { hostMac } from './host-addresses.ts';
import type { NetworkView } from './neighbourhood.ts';
import { type Entry, overlayChanges } from './overlay-changes.ts';
import { refuseOverlap } from './range-overlap.ts';

export interface OverlaySettings {
  bridge: string;
  /** Of all applications, in CIDR notation. */
  range: string;
  port?: number | undefined;
  id?: number | undefined;
  brokerUrl: string;
}

/**
 * What fits into the smallest packet between clouds, 1460 bytes, with VXLAN (50) and WireGuard (80) around it. The same
 * for all hosts, since an application takes its connections, and with them their segment sizes, along.
 */
export const overlayMtu = 1330;
const device = 'cmig-vxlan';
export const defaultPort = 4789;
const defaultId = 25_453;

export class Overlay {
  readonly #settings: OverlaySettings;
  #address = '';
  /** What the kernel has, by MAC. */
  #entries = new Map<string, Entry>();

  constructor(settings: OverlaySettings) {
    this.#settings = settings;
  }

  /**
   * Makes what is missing; what is there and right goes on forwarding.
   * @throws CmigError `conflict` where the range takes in what this host or another one is reached by
   */
  async open({ own, hosts }: Pick<NetworkView, 'own' | 'hosts'>): Promise<void> {
    const { bridge, port = defaultPort, id = defaultId } = this.#settings;
    await this.#refuseOverlap(hosts.filter(({ name }) => name !== own.name));
    const links = await this.#links();
    const present = links.find(({ ifname }) => ifname === device)?.linkinfo?.info_data;
    const isRight = present?.id === id && present?.port === port && present?.local === own.address;
    const lines = [
      ...(links.some(({ ifname }) => ifname === bridge) ? [] : [`link add dev ${bridge} type bridge`]),
      `link set dev ${bridge} addrgenmode none mtu ${overlayMtu} up`,
      ...(present && !isRight ? [`link del dev ${device}`] : []),
      ...(isRight
        ? []
        : [
            `link add dev ${device} mtu ${overlayMtu} type vxlan id ${id} dstport ${port} local ${own.address} nolearning proxy ttl 64`,
          ]),
      `link set dev ${device} addrgenmode none master ${bridge} up`,
    ];
    await runProcess('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
    // What comes from afar must not be remembered here: it may come from elsewhere a moment later.
    await runProcess('bridge', ['link', 'set', 'dev', device, 'learning', 'off']);
    this.#entries = await this.#present();
    await this.apply({ own, hosts: [], places: [] }, { removing: false });
  }

  /** Brings the entries to what is known; one that goes to another host turns in one step. */
  async apply({ own, hosts, places }: NetworkView, { removing = true } = {}): Promise<void> {
    await this.#becomeReachable(own.overlay?.address ?? '');
    const wanted = new Map<string, Entry>();
    const add = (address: string, mac: string, via: string) => wanted.set(mac, { address, mac, via });
    const peers = new Map(hosts.map((host) => [host.name, host.address]));
    for (const { name, address, overlay } of hosts)
      if (overlay && name !== own.name) add(overlay.address, hostMac(overlay.address), address);
    for (const { address, mac, host } of places) {
      const via = peers.get(host);
      if (via !== undefined && host !== own.name) add(address, mac, via);
    }
    const { changed, gone, deserted, taken } = overlayChanges(this.#entries, wanted, removing);
    if (changed.length + gone.length === 0) return;
    const neighbours = [
      // Where there is none, `neigh del` would end all of it.
      ...deserted.map((address) => `neigh flush to ${address} dev ${device} nud all`),
      ...changed.map(
        ({ address, mac }) => `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`,
      ),
    ];
    const forwarding = [
      ...gone.map(({ mac }) => `fdb del ${mac} dev ${device} self`),
      ...changed.map(({ mac, via }) => `fdb replace ${mac} dev ${device} self dst ${via} static`),
    ];
    // What is to be removed may be gone.
    const run = (program: string, lines: string[]) =>
      runProcess(program, ['-force', '-batch', '-'], {
        input: `${lines.join('\n')}\n`,
        allowedExitCodes: [0, 1],
      });
    await Promise.all([run('bridge', forwarding), run('ip', neighbours)]);
    for (const { mac } of gone) this.#entries.delete(mac);
    for (const entry of changed) this.#entries.set(entry.mac, entry);
    await forgetNeighbours(this.#settings.bridge, taken);
  }

  /** This host's own address on the bridge, by which applications answer what it forwards to them. */
  async #becomeReachable(address: string): Promise<void> {
    if (!address || address === this.#address) return;
    const { bridge, range } = this.#settings;
    const prefix = range.split('/')[1];
    const { stdout } = await runProcess('ip', ['-json', '-4', 'addr', 'show', 'dev', bridge]);
    const [shown]: { addr_info?: { local: string; prefixlen: number }[] }[] = JSON.parse(stdout || '[]');
    const others = (shown?.addr_info ?? []).filter(({ local }) => local !== address);
    const lines = [
      `link set dev ${bridge} address ${hostMac(address)}`,
      `addr replace ${address}/${prefix} dev ${bridge}`,
      ...others.map(({ local, prefixlen }) => `addr del ${local}/${prefixlen} dev ${bridge}`),
    ];
    await runProcess('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
    this.#address = address;
  }

  async #refuseOverlap(hosts: NetworkView['hosts']): Promise<void> {
    const { bridge, range, brokerUrl } = this.#settings;
    const { stdout } = await runProcess('ip', ['-json', '-4', 'addr', 'show']);
    const links: { ifname: string; addr_info: { local: string; prefixlen: number }[] }[] = JSON.parse(
      stdout || '[]',
    );
    refuseOverlap(range, [
      ...links
        // One's own: of the bridge, and of the encryption, which has the host's address among the applications.
        .filter(({ ifname }) => ifname !== bridge && !ifname.startsWith('cmig-'))
        .flatMap(({ ifname, addr_info }) =>
          addr_info.map(({ local, prefixlen }) => ({
            what: `the network of ${ifname}`,
            network: `${local}/${prefixlen}`,
          })),
        ),
      ...hosts.map(({ name, address }) => ({ what: name, network: address })),
      { what: 'the broker', network: new URL(brokerUrl).hostname },
    ]);
  }

  async #links() {
    const { stdout } = await runProcess('ip', ['-json', '-details', 'link', 'show']);
    return JSON.parse(stdout || '[]') as {
      ifname: string;
      linkinfo?: { info_data?: { id?: number; port?: number; local?: string } };
    }[];
  }

  async #present(): Promise<Map<string, Entry>> {
    const [forwarding, neighbours] = await Promise.all([
      runProcess('bridge', ['-json', 'fdb', 'show', 'dev', device]),
      runProcess('ip', ['-json', 'neigh', 'show', 'dev', device, 'nud', 'permanent']),
    ]);
    const entries: { mac: string; dst?: string }[] = JSON.parse(forwarding.stdout || '[]');
    const known: { dst: string; lladdr?: string }[] = JSON.parse(neighbours.stdout || '[]');
    return new Map(
      entries.flatMap(({ mac, dst: via }) => {
        const address = known.find(({ lladdr }) => lladdr === mac)?.dst ?? '';
        return via ? [[mac, { mac, via, address }] as const] : [];
      }),
    );
  }
}
