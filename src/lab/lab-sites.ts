// The sites of a lab: each a network of its own, routed to the others and to the broker.
import {
  type LabPlan,
  type LabRange,
  machineAddress,
  routerAddress,
  siteOf,
  siteSegment,
  siteSwitch,
} from './lab-plan.ts';

/** The two ends of the link between a site's switch and the router. */
export const siteLinks = (index: number): { router: string; site: string } => ({
  router: `router${index}`,
  site: `uplink${index}`,
});

/** What `ip -batch` makes of the namespace of the lab's switch: a switch for each site, and the router among them. */
export function siteCommands(plan: LabPlan): string[] {
  if (!plan.sites) return [];
  const link = (router: string, port: string, master: string, address: string) => [
    `link add dev ${router} type veth peer name ${port}`,
    `link set dev ${router} addrgenmode none`,
    `link set dev ${port} addrgenmode none master ${master} up`,
    `link set dev ${router} up`,
    `addr add ${address}/24 dev ${router}`,
  ];
  return [
    ...link('router', 'router-port', 'lab', routerAddress(plan)),
    ...plan.sites.flatMap((_, index) => [
      `link add dev ${siteSwitch(index)} type bridge mcast_snooping 0`,
      `link set dev ${siteSwitch(index)} addrgenmode none`,
      `link set dev ${siteSwitch(index)} up`,
      ...link(
        siteLinks(index).router,
        siteLinks(index).site,
        siteSwitch(index),
        siteSegment(plan, index).router,
      ),
    ]),
  ];
}

/** What the router drops: `cut` tells what each site is cut off from. */
export function siteRules(
  plan: Pick<LabPlan, 'octet' | 'sites'>,
  cut: Readonly<Record<string, 'all' | string[] | undefined>>,
): string[] {
  const { sites = [] } = plan;
  return sites.flatMap((site, index) => {
    const { router } = siteLinks(index);
    const peers = cut[site];
    if (peers === undefined) return [];
    if (peers === 'all') return [`iifname "${router}" drop`, `oifname "${router}" drop`];
    return peers.flatMap((peer) => {
      const range = rangeOf(plan, peer);
      return [`iifname "${router}" ip daddr ${range} drop`, `oifname "${router}" ip saddr ${range} drop`];
    });
  });
}

/** The addresses of a site, a host, the broker, or this machine (`machine`). */
export function rangeOf(plan: LabRange, peer: string): string {
  const index = plan.sites?.indexOf(peer) ?? -1;
  if (index >= 0) return siteSegment(plan, index).range;
  return peer === 'machine' ? `10.${plan.octet}.255.1` : machineAddress(plan, peer);
}

/** A host is cut off by its own link, or by that of its site. */
export const siteCut = <T>(
  plan: LabPlan,
  links: Readonly<Record<string, T>>,
  host: string,
): (T | undefined)[] => [links[host], links[siteOf(plan, host) ?? '']];
