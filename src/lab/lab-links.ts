// What is done to the links of a lab's hosts: cut off from all or from some machines, slowed down.
import { CmigError } from '../core/errors.ts';
import { runProcess } from '../core/run-process.ts';
import { runInSwitch, uplinkPort } from './lab-network.ts';
import { LabPaths } from './lab-paths.ts';
import { brokerMachine } from './lab-plan.ts';
import { readJson, writeJson } from './lab-state.ts';

export interface LinkState {
  /** From which machines it is cut off; `all` for everything. */
  partitioned?: 'all' | string[];
  /** As tc writes it, such as 100mbit. */
  rate?: string;
}
export type LinkStates = Record<string, LinkState>;

export async function readLinks(lab: string): Promise<LinkStates> {
  return (await readJson<LinkStates>(new LabPaths(lab).links)) ?? {};
}

export async function writeLinks(lab: string, links: LinkStates): Promise<void> {
  await writeJson(new LabPaths(lab).links, links);
}

/** Whether a host could speak with the broker as far as its link is concerned. */
export function reachesBroker({ partitioned }: LinkState = {}): boolean {
  return partitioned === undefined || (partitioned !== 'all' && !partitioned.includes(brokerMachine));
}

/** Packets vanish without a trace at the switch; the links stay up, as in a real partition. */
export function partitionRules(links: LinkStates): string {
  const pairs = Object.entries(links).flatMap(([host, { partitioned }]) => {
    if (partitioned === undefined) return [];
    if (partitioned === 'all') return [`iifname "${host}" drop`, `oifname "${host}" drop`];
    return partitioned
      .map((peer) => (peer === 'machine' ? uplinkPort : peer))
      .flatMap((peer) => [
        `iifname "${host}" oifname "${peer}" drop`,
        `iifname "${peer}" oifname "${host}" drop`,
      ]);
  });
  const chain = `  chain forward {\n    type filter hook forward priority -300;\n${pairs.map((rule) => `    ${rule}\n`).join('')}  }\n`;
  return `table bridge cmig_lab\ndelete table bridge cmig_lab\n${pairs.length > 0 ? `table bridge cmig_lab {\n${chain}}\n` : ''}`;
}

export async function applyPartitions(switchPid: number, links: LinkStates): Promise<void> {
  await runInSwitch(switchPid, ['nft', '-f', '-'], [0], partitionRules(links));
}

/** Limits both directions of a host's link. Undefined takes the limit away. */
export async function applyRate(
  switchPid: number,
  init: number,
  host: string,
  rate: string | undefined,
): Promise<void> {
  await Promise.all([shapeLink(switchPid, host, rate), shapeLink(init, 'eth0', rate)]);
}

async function shapeLink(namespacePid: number, device: string, rate: string | undefined): Promise<void> {
  const enter = [`--net=/proc/${namespacePid}/ns/net`, '--', 'tc', 'qdisc'];
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

/** What a host can be cut off from by name. */
export const partitionPeers = (hosts: readonly string[]): string[] => [...hosts, brokerMachine, 'machine'];
