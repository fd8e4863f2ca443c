// What a lab consists of, as names and numbers only: its machines, their addresses, its links.
import { namePattern } from '../contract/protocol.ts';
import { CmigError } from '../core/errors.ts';

/** What is chosen once, when a lab first comes up, and kept in its folder. */
export interface LabPlan {
  name: string;
  /** The lab's network is 10.<octet>.0.0/16. */
  octet: number;
  hosts: string[];
  /** Each a network of its own, routed to the others; absent where all machines share one segment. */
  sites?: string[];
  /** Everybody comes to the broker by certificate. */
  tls?: true;
}

/** What addresses follow from. */
export type LabRange = Pick<LabPlan, 'octet' | 'sites'>;

export const defaultLabName = 'lab';
export const maximumHosts = 26;
export const brokerMachine = 'broker';
/** The first octet of 10.x that is tried; see design: the first lab's applications live in 10.77.0.0/16. */
export const firstOctet = 77;
export const lastOctet = 199;

/** host-a, host-b, … @throws CmigError `invalid` */
export function hostNames(count: number): string[] {
  if (!Number.isInteger(count) || count < 1 || count > maximumHosts) {
    throw new CmigError('invalid', `a lab has 1 to ${maximumHosts} hosts, not ${count}`);
  }
  return Array.from({ length: count }, (_, index) => `host-${String.fromCharCode(97 + index)}`);
}

/** @throws CmigError `invalid` */
export function checkLabName(name: string): string {
  if (!new RegExp(namePattern).test(name) || name.length > 32) {
    throw new CmigError('invalid', `"${name}" is no name for a lab`, {
      hint: 'up to 32 lower-case letters, digits and dashes, not beginning or ending with a dash',
    });
  }
  return name;
}

/** All addresses of the lab. */
export const labRange = (plan: LabRange): string => `10.${plan.octet}.0.0/16`;

/**
 * The range of applications' addresses. In one segment the lab's own machines sit in its last 256 addresses; with
 * sites they sit in the other half of the lab's range, and applications in an overlay.
 */
export const applicationRange = (plan: LabRange): string => `10.${plan.octet}.0.0/${plan.sites ? 17 : 16}`;

/** This machine's own address in the lab's network. */
export const gatewayAddress = (plan: LabRange): string => `10.${plan.octet}.255.1`;

/** The address of a machine of the lab, be it a host or the broker. */
export function machineAddress(plan: LabRange, machine: string): string {
  const last = machine === brokerMachine ? 2 : 10 + hostIndex(machine);
  return `10.${plan.octet}.${subnet(plan, machine)}.${last}`;
}

const hostIndex = (host: string): number => host.charCodeAt(host.length - 1) - 97;

/** The third byte of the addresses of a machine's segment. */
const subnet = ({ sites }: LabRange, machine: string): number =>
  sites && machine !== brokerMachine ? firstSiteSubnet + (hostIndex(machine) % sites.length) : 255;
const firstSiteSubnet = 128;
export const maximumSites = 16;

/** The site of a host: hosts are dealt out to the sites in turn. */
export const siteOf = ({ sites }: Pick<LabPlan, 'sites'>, host: string): string | undefined =>
  sites?.[hostIndex(host) % sites.length];

/** Sites that wait for further hosts. */
export const emptySites = (plan: Pick<LabPlan, 'sites' | 'hosts'>): string[] =>
  (plan.sites ?? []).slice(plan.hosts.length);

/** The segment of a site, and the address in it of the router between the sites. */
export function siteSegment(plan: LabRange, index: number): { range: string; router: string } {
  const start = `10.${plan.octet}.${firstSiteSubnet + index}`;
  return { range: `${start}.0/24`, router: `${start}.1` };
}

/** The router's address in the segment of the broker and of this machine. */
export const routerAddress = (plan: LabRange): string => `10.${plan.octet}.255.254`;

/** How a machine is plugged in: its address with the length of its segment's prefix, the switch, and its router. */
export function attachment(
  plan: LabRange,
  machine: string,
): { address: string; switch: string; router: string | undefined } {
  const address = machineAddress(plan, machine);
  if (!plan.sites) return { address: `${address}/16`, switch: 'lab', router: undefined };
  if (machine === brokerMachine) {
    return { address: `${address}/24`, switch: 'lab', router: routerAddress(plan) };
  }
  const index = hostIndex(machine) % plan.sites.length;
  return { address: `${address}/24`, switch: siteSwitch(index), router: siteSegment(plan, index).router };
}
export const siteSwitch = (index: number): string => `site${index}`;

/** @throws CmigError `invalid` */
export function checkSites(sites: readonly string[]): void {
  const refuse = (message: string) => {
    throw new CmigError('invalid', message, { hint: 'such as --sites onprem,azure,aws' });
  };
  if (sites.length < 2 || sites.length > maximumSites)
    refuse(`a lab has 2 to ${maximumSites} sites, not ${sites.length}`);
  if (new Set(sites).size < sites.length) refuse('two sites of a lab cannot have one name');
  const others = [...hostNames(maximumHosts), brokerMachine, 'machine', 'all', 'none'];
  for (const site of sites) {
    if (!new RegExp(namePattern).test(site) || site.length > 32) refuse(`"${site}" is no name for a site`);
    if (others.includes(site)) refuse(`a site cannot be called ${site}, which is something else in a lab`);
  }
}

/** A locally administered address that follows from the IP address, so that it survives a power loss. */
export function machineMac(plan: LabRange, machine: string): string {
  const bytes = machineAddress(plan, machine)
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '4c', ...bytes].join(':');
}

export const brokerUrl = (plan: LabRange & Pick<LabPlan, 'tls'>): string =>
  `${plan.tls ? 'amqps' : 'amqp'}://${machineAddress(plan, brokerMachine)}:${plan.tls ? 5671 : 5672}/cmig`;

/** This machine's end of the lab's network. */
export const uplinkName = (octet: number): string => `cmiglab${octet}`;

/** Written on the uplink, so that it is known for this lab's even when the lab's folder is lost. */
export const linkAlias = (lab: string): string => `cmig-lab:${lab}`;

/** Below it live all containers of a lab; each host has a child of its own. */
export const labCgroup = (lab: string): string => `/cmig-lab-${lab}`;
export const hostCgroup = (lab: string, host: string): string => `${labCgroup(lab)}/${host}`;

/** /etc/hosts of every machine; all names a lab can have, so that a host added later is known too. */
export function hostsFile(plan: LabRange): string {
  const machines = [brokerMachine, ...hostNames(maximumHosts)];
  const lines = machines.map((machine) => `${machineAddress(plan, machine)} ${machine}`);
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...lines, ''].join('\n');
}
