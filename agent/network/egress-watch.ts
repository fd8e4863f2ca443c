// Whether the hosts through which this host's applications reach the world are heard, and what is told of it.
import type { EventPublisher } from '../../src/broker/events.ts';
import type { Place } from '../../src/contract/place.ts';

export class EgressWatch {
  readonly #events: Pick<EventPublisher, 'publish'>;
  readonly #isLost: (host: string) => boolean | undefined;
  /** Application -> the host through which it reached the world. */
  readonly #lost = new Map<string, string>();

  /** @param isLost undefined where that cannot be told */
  constructor(events: Pick<EventPublisher, 'publish'>, isLost: (host: string) => boolean | undefined) {
    this.#events = events;
    this.#isLost = isLost;
  }

  /** Tells what has changed since it looked last, at all applications of this host. */
  look(own: readonly Place[]): void {
    for (const { application, egress } of own) {
      const isLost = egress !== undefined && this.#isLost(egress);
      const told = this.#lost.get(application);
      if (isLost === undefined || (isLost ? told === egress : told === undefined)) continue;
      if (isLost) this.#lost.set(application, egress);
      else this.#lost.delete(application);
      const type = isLost ? 'application.cut-off' : 'application.connected';
      if (egress) this.#events.publish(type, { application, egress });
    }
    for (const application of this.#lost.keys())
      if (!own.some((place) => place.application === application)) this.#lost.delete(application);
  }

  problem(application: string): string | undefined {
    const host = this.#lost.get(application);
    if (host === undefined) return undefined;
    return `${host}, its way to the world, is not heard any more: start ${host}, or apply it with another network.egress`;
  }
}
