// Clients that hold connections to applications through published ports, over many rounds.
import type { NumberedStream } from '../e2e/numbered-stream.ts';
import type { World } from './draw.ts';
import { hasTicker, hostPortOf, isOpen } from './manifests.ts';
import type { Deed } from './model.ts';
import type { Random } from './random.ts';
import { openStream } from './screens.ts';

interface Followed {
  application: string;
  /** A host. */
  through: string;
  stream: NumberedStream;
}

export class Streams {
  readonly #hosts: readonly { name: string; address: string }[];
  readonly #streams: Followed[] = [];
  opened = 0;

  constructor(hosts: readonly { name: string; address: string }[]) {
    this.#hosts = hosts;
  }

  /** @returns what stood in the way */
  async open(world: World, random: Random): Promise<string[]> {
    for (const [name, { state, manifest }] of world.applications) {
      if (!state?.runs || !manifest || !hasTicker(manifest) || !isOpen(manifest)) continue;
      if (this.#streams.length >= 8 || !random.chance(0.5)) continue;
      const { name: through, address } = random.pick(this.#hosts);
      const stream = await openStream(address, hostPortOf(name));
      if (!stream) return [`${name} takes no connection at ${through}`];
      this.#streams.push({ application: name, through, stream });
      this.opened++;
    }
    return [];
  }

  /** Of a host that has lost its power: those that led through it, and those of applications that may have been there. */
  giveUp(hosts: readonly string[], deeds: ReadonlyMap<string, Deed[]>, worlds: readonly World[]): void {
    for (const followed of [...this.#streams]) {
      const { application, through } = followed;
      const may = [
        through,
        ...worlds.map((world) => world.applications.get(application)?.state?.host),
        ...(deeds.get(application) ?? []).flatMap((deed) => deed.hosts ?? []),
      ];
      if (hosts.some((host) => may.includes(host))) this.#end(followed);
    }
  }

  /** Those of applications that were at most moved go on without a gap; the others are given up. */
  async judge(deeds: ReadonlyMap<string, Deed[]>, world: World, random: Random): Promise<string[]> {
    const problems: string[] = [];
    for (const followed of [...this.#streams]) {
      const { application, through, stream } = followed;
      const breaks = (deeds.get(application) ?? []).some(
        (deed) =>
          ['stop', 'start', 'delete', 'restore'].includes(deed.kind) ||
          deed.stops ||
          (deed.kind === 'apply' && !world.applications.get(application)?.state),
      );
      if (!breaks) {
        await stream.more(3, 60_000).catch((error) => problems.push(String(error)));
        problems.push(
          ...stream.problems.map((each) => `stream of ${application} through ${through}: ${each}`),
        );
      }
      if (breaks || random.chance(0.1)) this.#end(followed);
    }
    return problems;
  }

  #end(followed: Followed): void {
    followed.stream.close();
    this.#streams.splice(this.#streams.indexOf(followed), 1);
  }

  close(): void {
    for (const { stream } of this.#streams) stream.close();
  }
}
