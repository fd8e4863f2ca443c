// Of two hosts that claim one application the one with the higher epoch has it; the other puts its copy aside.
import type { Event } from '../../src/contract/events.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { Machine } from './machine.ts';

/** What another host says it has. */
export interface Claim {
  application: string;
  host: string;
  epoch: number;
  phase: string;
}

type Own = Pick<ApplicationRecord, 'epoch' | 'migration'>;

/** A migration under way settles its two claims itself, and a destination that only expects it claims nothing yet. */
const counts = (own: Own | undefined, claim: Claim): own is Own =>
  own !== undefined && own.migration === undefined && claim.phase !== 'Incoming';

export const isNewer = (own: Own | undefined, claim: Claim): boolean =>
  counts(own, claim) && claim.epoch > own.epoch;

/** Whoever makes it has to hear of ours. */
export const isOlder = (own: Own | undefined, claim: Claim): boolean =>
  counts(own, claim) && claim.epoch < own.epoch;

const peerAnswersMs = 1500;

export class Fencing {
  readonly #machine: Machine;
  /** Applications that are being put aside just now. */
  readonly #under = new Set<string>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /**
   * Before anything is started: what do the others have? A peer that does not answer soon is not waited for; it speaks
   * up when it hears of what runs here.
   */
  async askPeers(): Promise<void> {
    const { hosts, context, supervisor } = this.#machine;
    const peers = hosts.list().filter(({ name }) => name !== context.config.name);
    if (supervisor.records().length === 0 || peers.length === 0) return;
    await context.rpc.connection.whenConnected(peerAnswersMs).catch(() => {});
    if (!context.rpc.connection.connected) return;
    await Promise.all(
      peers.map(async ({ name: host }) => {
        const options = { timeoutMs: peerAnswersMs, failFast: true };
        const answer = await context.rpc.call(host, 'application.list', {}, options).catch(() => undefined);
        for (const { metadata, status } of answer?.applications ?? [])
          await this.consider({ application: metadata.name, ...status });
      }),
    );
  }

  /** Goes on until `events`, which are those of all hosts, end. */
  async listen(events: AsyncIterable<Event>): Promise<void> {
    for await (const event of events) {
      if (event.type !== 'application.changed' || event.host === this.#machine.context.config.name) continue;
      const { epoch, phase } = event.data.status as Partial<Claim>;
      if (typeof epoch !== 'number' || typeof phase !== 'string') continue;
      this.#hear({ application: event.data.application, host: event.host, epoch, phase }).catch((error) =>
        this.#machine.context.log.warn({ err: error }, 'a claim of another host could not be looked into'),
      );
    }
  }

  /** News may be old news: before anything is stopped for it, its host is asked. */
  async #hear(claim: Claim): Promise<void> {
    const { supervisor, context } = this.#machine;
    const { application: name, host } = claim;
    const own = supervisor.has(name) ? supervisor.record(name) : undefined;
    if (isOlder(own, claim)) supervisor.announce(name);
    if (!isNewer(own, claim)) return;
    const { status } = await context.rpc.call(host, 'application.get', { name });
    await this.consider({ application: name, ...status });
  }

  /** @param claim what its host has just said itself */
  async consider(claim: Claim): Promise<void> {
    const { supervisor, context } = this.#machine;
    const { application, host, epoch } = claim;
    const own = supervisor.has(application) ? supervisor.record(application) : undefined;
    if (!isNewer(own, claim) || this.#under.has(application)) return;
    this.#under.add(application);
    try {
      await supervisor.setAside(application, { owner: host, ownerEpoch: epoch });
    } catch (error) {
      context.log.error({ err: error, application, owner: host }, 'could not be put aside');
    } finally {
      this.#under.delete(application);
    }
  }
}
