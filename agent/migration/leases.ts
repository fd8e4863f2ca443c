// How long each migration goes on without a word of the command that leads it.

interface Lease {
  ms: number;
  timer: NodeJS.Timeout;
  endsAt: string;
}

export class Leases {
  readonly #onLapse: (id: string) => void;
  readonly #leases = new Map<string, Lease>();

  /** @param onLapse nobody leads this migration any more */
  constructor(onLapse: (id: string) => void) {
    this.#onLapse = onLapse;
  }

  /** From now on, for so long. */
  begin(id: string, ms: number): void {
    clearTimeout(this.#leases.get(id)?.timer);
    const timer = setTimeout(() => {
      this.#leases.delete(id);
      this.#onLapse(id);
    }, ms);
    timer.unref();
    this.#leases.set(id, { ms, timer, endsAt: new Date(Date.now() + ms).toISOString() });
  }

  /** For as long as before, unless it has lapsed. */
  renew(id: string): void {
    const lease = this.#leases.get(id);
    if (lease) this.begin(id, lease.ms);
  }

  /** RFC 3339; undefined where there is none. */
  endOf(id: string): string | undefined {
    return this.#leases.get(id)?.endsAt;
  }
}
