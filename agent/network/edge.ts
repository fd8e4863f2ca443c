// Who may connect to an application: enforced in its own network namespace, and so wherever it is.
import type { AllowedClient } from '../../src/contract/allowed-client.ts';
import type { Place } from '../../src/contract/place.ts';
import type { NetworkView } from './neighbourhood.ts';

/** What of a view the rules follow from. */
export type Surroundings = Pick<NetworkView, 'hosts' | 'places'>;

/** The addresses and ranges that clients have. */
export function sourcesOf(allow: readonly AllowedClient[], places: readonly Place[]): string[] {
  const sources = allow.flatMap(({ application, labels, cidr }) => {
    if (cidr !== undefined) return [cidr];
    const isMeant = (place: Place): boolean =>
      application === undefined
        ? Object.entries(labels ?? {}).every(([key, value]) => place.labels?.[key] === value)
        : place.application === application;
    return places.filter(isMeant).map(({ address }) => address);
  });
  return [...new Set(sources)].sort();
}

const removal = 'table inet cmig_edge\ndelete table inet cmig_edge\n';

/**
 * What nft is given in the application's namespace. Of TCP only the first packet is judged: connections that are open go
 * on, also those whose beginning was seen on another host. Published ports were judged by the host that forwards.
 */
export function edgeRules(
  { allow, ports = [] }: Pick<Place, 'allow' | 'ports'>,
  { hosts, places }: Surroundings,
): string {
  if (!allow) return removal;
  const forwarders = hosts.flatMap(({ address, overlay }) => overlay?.address ?? address);
  const published = ports.map(({ port, protocol = 'tcp' }) => `${protocol} dport ${port}`);
  const rules = [
    'type filter hook input priority -200; policy accept;',
    'iif "lo" accept',
    ...sourcesOf(allow, places).map((source) => `ip saddr ${source} accept`),
    ...forwarders.flatMap((address) => published.map((port) => `ip saddr ${address} ${port} accept`)),
    // 6 TCP, 17 UDP: nft looks names up in a file that a small system has not.
    'tcp flags & (syn | ack) == syn reject with tcp reset',
    'meta l4proto 17 ct state new reject',
  ];
  return `${removal}table inet cmig_edge {\n  chain arriving {\n${rules.map((rule) => `    ${rule}\n`).join('')}  }\n}\n`;
}
