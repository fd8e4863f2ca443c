// Which host an application is moved to, where that is left to cmig: by labels, and by the memory that is free there
// beside what is planned already. Pure.
import type { Host } from '../../contract/host.ts';
import type { Selector } from '../selector.ts';

/** What is to be placed. */
export interface Load {
  application: string;
  memoryBytes: number;
  /** Labels that its host must have. */
  hostSelector?: Readonly<Record<string, string>> | undefined;
}

/** A host that it may go to, or why there is none. */
export type Choice = { to: string } | { why: string };

export interface EligibleOptions {
  /** The host that is emptied. */
  from: string;
  /** Only these; all if empty. */
  to?: readonly string[];
  /** Only those whose labels it matches. */
  selector?: Selector | undefined;
}

/** Those that were asked for, whatever state they are in. */
const askedFor = (
  hosts: readonly Host[],
  { from, to = [], selector = () => true }: EligibleOptions,
): readonly Host[] =>
  hosts.filter(
    ({ metadata: { name, labels } }) =>
      name !== from && (to.length === 0 || to.includes(name)) && selector(labels),
  );

/** Hosts that may be chosen at all: ready, not cordoned, and among those that were asked for. */
export const eligibleHosts = (hosts: readonly Host[], options: EligibleOptions): Host[] =>
  askedFor(hosts, options).filter(({ spec, status }) => status.condition === 'Ready' && !spec.unschedulable);

/** What there is instead, where none is eligible. */
export function whyNone(hosts: readonly Host[], options: EligibleOptions): string {
  const found = askedFor(hosts, options).map(({ metadata: { name }, spec, status }) =>
    status.condition === 'Ready' && spec.unschedulable
      ? `${name} is cordoned (to lift it: cmig uncordon ${name})`
      : `${name} is ${status.condition}`,
  );
  return `there is no other host that takes applications${found.length > 0 ? `: ${found.join(', ')}` : ''}`;
}

export class Destinations {
  readonly #hosts: readonly Host[];
  /** Host -> bytes that were promised to applications which are on their way, or have arrived. */
  readonly #promised = new Map<string, number>();
  readonly #whyNone: string;

  /** @param none why there is no host, where there is none */
  constructor(hosts: readonly Host[], none: string) {
    this.#hosts = hosts;
    this.#whyNone = none;
  }

  /**
   * Takes a place for it on the host that has the most memory left. Two equal ones are taken by their names.
   * @param refused hosts that have refused it
   */
  take(
    { application, memoryBytes, hostSelector = {} }: Load,
    refused: ReadonlySet<string> = new Set(),
  ): Choice {
    if (this.#hosts.length === 0) return { why: this.#whyNone };
    const fitting = this.#hosts.filter(({ metadata }) =>
      Object.entries(hostSelector).every(([key, value]) => metadata.labels[key] === value),
    );
    if (fitting.length === 0) {
      const labels = Object.entries(hostSelector).map(([key, value]) => `${key}=${value}`);
      return { why: `no host that takes applications has ${labels.join(',')}, which its manifest asks for` };
    }
    const open = fitting.filter(({ metadata }) => !refused.has(metadata.name));
    const [best] = open.sort(
      (a, b) => this.#free(b) - this.#free(a) || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
    if (!best) return { why: 'every host that could be asked has refused it' };
    if (this.#free(best) < memoryBytes)
      return { why: `${application} uses more memory than any host has left beside what is planned` };
    this.#promise(best.metadata.name, memoryBytes);
    return { to: best.metadata.name };
  }

  /** The place is not used after all. */
  giveBack({ memoryBytes }: Load, host: string): void {
    this.#promise(host, -memoryBytes);
  }

  #free({ metadata, status }: Host): number {
    return (status.memoryAvailableBytes ?? 0) - (this.#promised.get(metadata.name) ?? 0);
  }

  #promise(host: string, bytes: number): void {
    this.#promised.set(host, (this.#promised.get(host) ?? 0) + bytes);
  }
}

export interface Plan {
  load: Load;
  choice: Choice;
}

/** A place for each, the largest first, so that it does not find only remains. */
export const planMoves = (loads: readonly Load[], destinations: Destinations): Plan[] =>
  [...loads]
    .sort((a, b) => b.memoryBytes - a.memoryBytes || (a.application < b.application ? -1 : 1))
    .map((load) => ({ load, choice: destinations.take(load) }));
