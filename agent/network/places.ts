// Where all applications are, as far as this host knows: of two claims the higher epoch counts.
import type { Place } from '../../src/contract/place.ts';

export type KnownPlace = Place & { host: string };

export class Places {
  readonly #name: string;
  readonly #own = new Map<string, Place>();
  readonly #known = new Map<string, KnownPlace>();

  /** @param name of this host */
  constructor(name: string) {
    this.#name = name;
  }

  /** What was known before the agent was restarted. */
  load(places: readonly KnownPlace[]): void {
    for (const place of places) if (place.host !== this.#name) this.#known.set(place.application, place);
  }

  all(): KnownPlace[] {
    return [...this.#known.values()].sort((a, b) => (a.application < b.application ? -1 : 1));
  }

  /** What this host tells the others. */
  own(): Place[] {
    return [...this.#own.values()];
  }

  /** This host has it. */
  hold(place: Place): void {
    this.#own.set(place.application, place);
    this.#claim(this.#name, place);
  }

  /** It is not here any more. @returns whether that is news */
  release(application: string): boolean {
    if (!this.#own.delete(application)) return false;
    if (this.#known.get(application)?.host === this.#name) this.#known.delete(application);
    return true;
  }

  /** All that another host has. @returns whether anything is news */
  hear(host: string, places: readonly Place[]): boolean {
    const before = this.#text();
    const there = new Set(places.map(({ application }) => application));
    for (const known of this.all())
      if (known.host === host && !there.has(known.application)) this.#drop(known.application);
    for (const place of places) this.#claim(host, place);
    return this.#text() !== before;
  }

  #claim(host: string, place: Place): void {
    const { application, epoch } = place;
    const known = this.#known.get(application);
    if (known && known.host !== host && epoch <= known.epoch) return;
    this.#known.set(application, { ...place, host });
    if (host !== this.#name) this.#own.delete(application);
  }

  #drop(application: string): void {
    this.#known.delete(application);
    const own = this.#own.get(application);
    if (own) this.#claim(this.#name, own);
  }

  #text(): string {
    return JSON.stringify([this.all(), this.own()]);
  }
}
