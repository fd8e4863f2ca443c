// Of a host that says it has what another one is known to have, nobody is believed alone: the other one is asked.
import type { Logger } from 'pino';
import type { Dispute, Places } from './places.ts';

export interface DisputeSettings {
  /** This host, which needs to ask nobody of what it has. */
  own: string;
  log: Pick<Logger, 'warn'>;
  places: Pick<Places, 'disputes' | 'giveUp'>;
  /** Nothing has been heard of the host for long. */
  isLost: (host: string) => boolean;
  /** Asks the host what it has, and takes it in. @returns whether it has answered */
  ask: (host: string) => Promise<boolean>;
  onNews: () => void;
}

export class Disputes {
  readonly #settings: DisputeSettings;
  readonly #asked = new Set<string>();
  /** Those that were told of. */
  #told = new Set<string>();

  constructor(settings: DisputeSettings) {
    this.#settings = settings;
  }

  /** Where the other one is lost, the newer claim counts. What stays open is tried again when the claim is heard again. */
  async settle(): Promise<void> {
    const { own, places, isLost, ask, onNews } = this.#settings;
    const rivals = new Set(places.disputes().map(({ rival }) => rival.host));
    const asked = [...rivals].filter((host) => host !== own && !this.#asked.has(host));
    await Promise.all(
      asked.map(async (host) => {
        this.#asked.add(host);
        const answered = await ask(host).finally(() => this.#asked.delete(host));
        if (!answered && isLost(host) && places.giveUp(host)) onNews();
      }),
    );
    this.#tell(places.disputes());
  }

  #tell(disputes: readonly Dispute[]): void {
    const key = ({ claim, rival }: Dispute) => `${claim.host} ${claim.application} ${rival.host}`;
    for (const dispute of disputes) {
      const { claim, rival } = dispute;
      if (this.#told.has(key(dispute))) continue;
      this.#settings.log.warn(
        { application: claim.application, claimedBy: claim.host, host: rival.host, of: rival.application },
        'a host says it has what another one has, which has not agreed: it is not believed',
      );
    }
    this.#told = new Set(disputes.map(key));
  }
}
