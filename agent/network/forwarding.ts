// What this host forwards for applications: their published ports, wherever they are, and their way to the world.
import { hostPortText, publishesOn } from '../../src/contract/published-port.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { sourcesOf } from './edge.ts';
import type { Consequence, NetworkView } from './neighbourhood.ts';
import { takenPorts } from './taken-ports.ts';

export interface ForwardingSettings {
  bridge: string;
  range: string;
  overlay: boolean;
}

/**
 * The table as it should be. Connections go through this host in both directions: their source becomes its own address
 * among the applications. The kernel remembers each connection, so that it goes on, whatever these rules say later and
 * wherever the application is. What this host's own programs have is `taken`: its sshd must not be led away. Undefined
 * where nothing is forwarded.
 */
export function forwardingRules(
  { bridge, range, overlay }: ForwardingSettings,
  { own, places }: NetworkView,
  taken: ReadonlySet<string> = new Set(),
): string | undefined {
  const published = places.flatMap(({ address, ports = [], allow }) =>
    ports
      .filter((port) => publishesOn(port, own.name) && !taken.has(hostPortText(port)))
      .flatMap(({ protocol = 'tcp', hostPort, port }) => {
        // The application sees this host's address only, so who comes is judged here.
        const clients = allow ? sourcesOf(allow, places).map((source) => `ip saddr ${source} `) : [''];
        return clients.map(
          (client) =>
            `fib daddr type local ${client}${protocol} dport ${hostPort} dnat to ${address}:${port}`,
        );
      }),
  );
  const outgoing = overlay
    ? places.filter(({ egress }) => egress === own.name).map(({ address }) => address)
    : [];
  if (published.length + outgoing.length === 0) return undefined;
  const source = own.overlay ? `snat to ${own.overlay.address}` : 'masquerade';
  const from = `ip saddr { ${outgoing.join(', ')} }`;
  const chain = (name: string, hook: string, rules: string[]) =>
    `  chain ${name} {\n${[`type ${hook}; policy accept;`, ...rules].map((rule) => `    ${rule}\n`).join('')}  }\n`;
  // A host that forwards is not a way into the overlay, nor out of it, for anything else.
  const between = [
    `iifname "${bridge}" oifname "${bridge}" accept`,
    'ct state { established, related } accept',
    `oifname "${bridge}" ct status dnat accept`,
    ...(outgoing.length > 0 ? [`iifname "${bridge}" ${from} accept`] : []),
    `iifname "${bridge}" drop`,
    `oifname "${bridge}" drop`,
  ];
  const chains = [
    chain('arriving', 'nat hook prerouting priority -100', published),
    chain('own', 'nat hook output priority -100', published),
    chain('leaving', 'nat hook postrouting priority 100', [
      `oifname "${bridge}" ct status dnat ${source}`,
      ...(outgoing.length > 0 ? [`oifname != "${bridge}" ip daddr != ${range} ${from} masquerade`] : []),
    ]),
    ...(overlay ? [chain('between', 'filter hook forward priority 0', between)] : []),
  ];
  return `table ip cmig_forwarding {\n${chains.join('')}}\n`;
}

const removal = 'table ip cmig_forwarding\ndelete table ip cmig_forwarding\n';

export class Forwarding implements Consequence {
  readonly #settings: ForwardingSettings;
  #applied: string | undefined;

  constructor(settings: ForwardingSettings) {
    this.#settings = settings;
  }

  /** From what was known when the agent ended, so that nothing is refused until the others are heard. */
  async open(view: NetworkView): Promise<void> {
    await this.apply(view);
  }

  async apply(view: NetworkView): Promise<void> {
    const publishes = view.places.some(({ ports }) =>
      ports?.some((port) => publishesOn(port, view.own.name)),
    );
    const rules = forwardingRules(this.#settings, view, publishes ? await takenPorts() : undefined) ?? '';
    if (rules === this.#applied) return;
    if (rules) await this.#permit();
    // One transaction: there is no moment without the rules.
    await runProcess('nft', ['-f', '-'], { input: removal + rules });
    this.#applied = rules;
  }

  async #permit(): Promise<void> {
    const { bridge } = this.#settings;
    await runProcess('sysctl', [
      '-qe',
      '-w',
      'net.ipv4.ip_forward=1',
      // Peers must not be told of a shorter way, which leads past the connection's translation.
      'net.ipv4.conf.all.send_redirects=0',
      `net.ipv4.conf.${bridge.replaceAll('.', '/')}.send_redirects=0`,
      // After a move a connection may look odd to who only watches it; what is taken for invalid would be reset.
      'net.netfilter.nf_conntrack_tcp_be_liberal=1',
    ]);
  }
}
