// Where all applications are, as far as this host knows: a move counts when the host that has the application agrees.
import type { KnownPlace, Place } from '../../src/contract/place.ts';

/** What a host says it has, and what another host is known to have instead. */
export interface Dispute {
  claim: KnownPlace;
  rival: KnownPlace;
}

export class Places {
  readonly #name: string;
  readonly #own = new Map<string, Place>();
  readonly #known = new Map<string, KnownPlace>();
  /** Claims to what another host has, which has not agreed; by host and application. */
  readonly #waiting = new Map<string, KnownPlace>();

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
    this.#claim({ ...place, host: this.#name });
  }

  /** From now on the other host may say that it has it. @returns whether it is here */
  handOver(application: string, to: string): boolean {
    const place = this.#own.get(application);
    if (place) this.hold({ ...place, to });
    this.#reconsider();
    return place !== undefined;
  }

  /** It is not here any more. @returns whether that is news */
  release(application: string): boolean {
    if (!this.#own.delete(application)) return false;
    if (this.#known.get(application)?.host === this.#name) this.#known.delete(application);
    this.#reconsider();
    return true;
  }

  /** All that another host has. @returns whether anything is news */
  hear(host: string, places: readonly Place[]): boolean {
    const before = this.#text();
    const there = new Set(places.map(({ application }) => application));
    for (const [key, claim] of this.#waiting) if (claim.host === host) this.#waiting.delete(key);
    for (const known of this.all())
      if (known.host === host && !there.has(known.application)) this.#drop(known.application);
    for (const place of places) this.#claim({ ...place, host });
    this.#reconsider();
    return this.#text() !== before;
  }

  /** What waits for the word of another host. */
  disputes(): Dispute[] {
    return [...this.#waiting.values()].flatMap((claim) => {
      const rival = this.#rivalOf(claim);
      return rival ? [{ claim, rival }] : [];
    });
  }

  /** It will say nothing more: newer claims to what it had count. @returns whether anything is news */
  giveUp(host: string): boolean {
    const before = this.#text();
    for (const { rival } of this.disputes())
      if (rival.host === host && host !== this.#name) this.#known.delete(rival.application);
    this.#reconsider();
    return this.#text() !== before;
  }

  #claim(claim: KnownPlace): void {
    const { application, address, epoch, host } = claim;
    const known = this.#known.get(application);
    if (known && known.host !== host && epoch <= known.epoch) return;
    // Where it is here, or was there already, nobody need agree.
    const isKnown = known?.host === host && known.address === address;
    if (host !== this.#name && !isKnown && this.#rivalOf(claim)) {
      this.#waiting.set(`${host} ${application}`, claim);
      return;
    }
    this.#known.set(application, claim);
    if (host !== this.#name) this.#own.delete(application);
  }

  /** Whom another host has by the same name or address, without having handed it over. */
  #rivalOf({ application, address, host }: KnownPlace): KnownPlace | undefined {
    for (const known of this.#known.values()) {
      if (known.host === host) continue;
      if (known.application === application ? known.to !== host : known.address === address) return known;
    }
    return undefined;
  }

  /** What had to wait may be true by now. */
  #reconsider(): void {
    for (const [key, claim] of this.#waiting) {
      if (this.#rivalOf(claim)) continue;
      this.#waiting.delete(key);
      this.#claim(claim);
    }
  }

  #drop(application: string): void {
    this.#known.delete(application);
    const own = this.#own.get(application);
    if (own) this.#claim({ ...own, host: this.#name });
  }

  #text(): string {
    return JSON.stringify([this.all(), this.own()]);
  }
}
