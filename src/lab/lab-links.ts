// What is done to the links of a lab's hosts and sites: cut off from all or from some others, slowed down, lossy.
import { CmigError } from '../core/errors.ts';
import { runProcess } from '../core/run-process.ts';
import { runInSwitch, uplinkPort } from './lab-network.ts';
import { LabPaths } from './lab-paths.ts';
import { brokerMachine, type LabPlan } from './lab-plan.ts';
import { rangeOf, siteCut, siteLinks, siteRules } from './lab-sites.ts';
import { readJson, writeJson } from './lab-state.ts';

/** What tc does to a link, in its own notation, such as 100mbit, 20ms, 0.5%. */
export interface Shape {
  rate?: string;
  delay?: string;
  loss?: string;
}

export interface LinkState extends Shape {
  /** From which machines or sites it is cut off; `all` for everything. */
  partitioned?: 'all' | string[];
}
/** By host or site. */
export type LinkStates = Record<string, LinkState>;

export async function readLinks(lab: string): Promise<LinkStates> {
  return (await readJson<LinkStates>(new LabPaths(lab).links)) ?? {};
}

export async function writeLinks(lab: string, links: LinkStates): Promise<void> {
  await writeJson(new LabPaths(lab).links, links);
}

/** Whether a host could speak with the broker as far as its link and its site's are concerned. */
export const reachesBroker = (plan: LabPlan, links: LinkStates, host: string): boolean =>
  siteCut(plan, links, host).every(
    ({ partitioned } = {}) =>
      partitioned === undefined || (partitioned !== 'all' && !partitioned.includes(brokerMachine)),
  );

/** Packets vanish without a trace at the switch; the links stay up, as in a real partition. */
export function partitionRules(plan: LabPlan, links: LinkStates): string {
  const pairs = Object.entries(links).flatMap(([host, { partitioned }]) => {
    if (partitioned === undefined || plan.sites?.includes(host)) return [];
    if (partitioned === 'all') return [`iifname "${host}" drop`, `oifname "${host}" drop`];
    // Behind a router, the other end of a link tells nothing.
    if (plan.sites)
      return partitioned
        .map((peer) => rangeOf(plan, peer))
        .flatMap((range) => [
          `iifname "${host}" ip daddr ${range} drop`,
          `oifname "${host}" ip saddr ${range} drop`,
        ]);
    return partitioned
      .map((peer) => (peer === 'machine' ? uplinkPort : peer))
      .flatMap((peer) => [
        `iifname "${host}" oifname "${peer}" drop`,
        `iifname "${peer}" oifname "${host}" drop`,
      ]);
  });
  const cut = Object.fromEntries(Object.entries(links).map(([name, link]) => [name, link.partitioned]));
  return table('bridge', pairs) + (plan.sites ? table('inet', siteRules(plan, cut)) : '');
}

const table = (family: 'bridge' | 'inet', rules: string[]): string => {
  const chain = `  chain forward {\n    type filter hook forward priority -300;\n${rules.map((rule) => `    ${rule}\n`).join('')}  }\n`;
  return `table ${family} cmig_lab\ndelete table ${family} cmig_lab\n${rules.length > 0 ? `table ${family} cmig_lab {\n${chain}}\n` : ''}`;
};

export async function applyPartitions(plan: LabPlan, switchPid: number, links: LinkStates): Promise<void> {
  await runInSwitch(switchPid, ['nft', '-f', '-'], [0], partitionRules(plan, links));
}

/** Shapes both directions of a host's link. What is absent is taken away. */
export async function applyShape(switchPid: number, init: number, host: string, shape: Shape): Promise<void> {
  await Promise.all([shapeLink(switchPid, host, shape), shapeLink(init, 'eth0', shape)]);
}

/** Shapes what a site exchanges with others, in both directions. */
export async function applySiteShape(plan: LabPlan, switchPid: number, site: string, shape: Shape) {
  const { router, site: port } = siteLinks(plan.sites!.indexOf(site));
  await Promise.all([shapeLink(switchPid, router, shape), shapeLink(switchPid, port, shape)]);
}

export const isShaped = ({ rate, delay, loss }: Shape): boolean => [rate, delay, loss].some(Boolean);

async function shapeLink(namespacePid: number, device: string, shape: Shape): Promise<void> {
  const { rate, delay, loss } = shape;
  const enter = [`--net=/proc/${namespacePid}/ns/net`, '--', 'tc', 'qdisc'];
  if (delay || loss) {
    const words = Object.entries({ delay, loss, rate }).flatMap(([word, value]) =>
      value ? [word, value] : [],
    );
    const netem = [...enter, 'replace', 'dev', device, 'root', 'netem', 'limit', '10000', ...words];
    await runProcess('nsenter', netem).catch((cause) => {
      throw new CmigError('unsupported', 'this kernel cannot delay or lose packets: it has no netem', {
        hint: 'shape with --rate only, or run the lab on a kernel that has sch_netem',
        cause,
      });
    });
    return;
  }
  if (rate === undefined) {
    // Exit code 2: there was none.
    await runProcess('nsenter', [...enter, 'del', 'dev', device, 'root'], { allowedExitCodes: [0, 2] });
    return;
  }
  // A burst of 10 ms, and at least one packet as large as the kernel makes them.
  const burst = Math.max(Math.ceil((rateBitsPerSecond(rate) / 8) * 0.01), 65_536);
  await runProcess('nsenter', [
    ...enter,
    ...['replace', 'dev', device, 'root', 'tbf', 'rate', rate, 'burst', String(burst), 'latency', '100ms'],
  ]);
}

const rateUnits: Record<string, number> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/** `100mbit` -> 100 000 000. @throws CmigError `invalid` */
export function rateBitsPerSecond(rate: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(bit|kbit|mbit|gbit)$/.exec(rate);
  const value = match ? Number(match[1]) * rateUnits[match[2]!]! : 0;
  if (value < 8000) {
    throw new CmigError('invalid', `"${rate}" is not a rate`, {
      hint: 'write it as 500kbit, 100mbit or 1gbit, at least 8kbit; none takes the limit away',
    });
  }
  return value;
}

/** What a host or a site can be cut off from by name. */
export const partitionPeers = ({ hosts, sites = [] }: LabPlan): string[] => [
  ...hosts,
  ...sites,
  brokerMachine,
  'machine',
];
