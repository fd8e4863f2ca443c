// Where all applications are, told and heard, and what this host's network makes of it.
import type { ApplicationManifest } from '../../src/contract/application.ts';
import type { Event } from '../../src/contract/events.ts';
import type { HostRecord } from '../../src/contract/host.ts';
import type { KnownPlace, Place } from '../../src/contract/place.ts';
import { codeOf } from '../../src/core/errors.ts';
import type { AgentContext } from '../context.ts';
import type { HostRegistry } from '../peers/host-registry.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { readJsonFile, writeFileDurably } from '../store/durable-file.ts';
import { macOf } from './application-network.ts';
import { applyEdge } from './apply-edge.ts';
import { Disputes } from './disputes.ts';
import { edgeRules } from './edge.ts';
import { gatewayOf } from './egress.ts';
import { EgressWatch } from './egress-watch.ts';
import { placeOf } from './place-of.ts';
import { Places } from './places.ts';

/** All that follows from it. */
export interface NetworkView {
  own: HostRecord;
  /** This one too. */
  hosts: readonly HostRecord[];
  places: readonly KnownPlace[];
}

/** What a host does so that applications reach each other and the world. */
export interface Consequence {
  open(view: NetworkView): Promise<void>;
  /** Makes it so; called one after the other. */
  apply(view: NetworkView): Promise<void>;
}

const announceEveryMs = 5000;
/** Three announcements. */
const lostAfterMs = 16_000;
const peerAnswersMs = 1500;

export class Neighbourhood {
  readonly #context: AgentContext;
  readonly #hosts: HostRegistry;
  readonly #places: Places;
  readonly #consequences: readonly Consequence[];
  #opened = false;
  #applying: Promise<void> | undefined;
  #stale = false;
  #written = '';
  /** From what the edges were guarded last. */
  #guarded = '';
  #timer: NodeJS.Timeout | undefined;
  /** Since when the others are heard without a break. */
  #listensSince = Number.POSITIVE_INFINITY;
  readonly #egress: EgressWatch;
  readonly #disputes: Disputes;

  constructor(context: AgentContext, hosts: HostRegistry, consequences: readonly Consequence[]) {
    this.#context = context;
    this.#hosts = hosts;
    this.#consequences = consequences;
    this.#places = new Places(context.config.name);
    this.#disputes = new Disputes({
      own: context.config.name,
      log: context.log,
      places: this.#places,
      isLost: (name) => this.#isLost(name) === true,
      ask: async (name) => {
        const places = await this.#askPlaces(name);
        if (places) this.#take(name, places);
        return places !== undefined;
      },
      onNews: () => this.#changed(),
    });
    this.#egress = new EgressWatch(context.events, (name) => this.#isLost(name));
    hosts.onChange = () => {
      this.#forgetRemoved();
      this.#changed();
    };
  }

  /** @param present the applications that have their network here. The registry of hosts must be open */
  async open(present: readonly ApplicationRecord[]): Promise<void> {
    const stored = await readJsonFile<{ places: KnownPlace[] }>(this.#context.paths.placesFile);
    this.#places.load(stored?.places ?? []);
    for (const record of present) this.#places.hold(this.#placeOf(record));
    this.#forgetRemoved();
    for (const each of this.#consequences) await each.open(this.view());
    this.#opened = true;
    this.#changed();
    await this.#applying;
  }

  view(): NetworkView {
    return { own: this.#hosts.own, hosts: this.#hosts.list(), places: this.#places.all() };
  }

  own(): Place[] {
    return this.#places.own();
  }

  /** It has its network here from now on: the others are told at once. */
  hold(record: ApplicationRecord): void {
    this.#places.hold(this.#placeOf(record));
    this.announce();
    this.#changed();
  }

  /** It has no network here any more. */
  release(application: string): void {
    if (!this.#places.release(application)) return;
    this.announce();
    this.#changed();
  }

  /** The other host may have it from now on: everybody may believe that host. */
  handOver(application: string, to: string): void {
    if (this.#places.handOver(application, to)) this.announce();
  }

  /** The way to the world of an application of this host, in an overlay. */
  gateway(manifest: ApplicationManifest): string | undefined {
    return gatewayOf(this.view().hosts, manifest);
  }

  /** For nft, in the namespace of an application of this host. */
  edgeRules({ spec }: ApplicationManifest): string {
    return edgeRules(spec.network ?? {}, this.view());
  }

  announce(): void {
    this.#egress.look(this.own());
    this.#context.events.publish('host.placed', { places: this.own() });
  }

  /** Tells and listens until `events`, which are those of all hosts, end. */
  async listen(events: AsyncIterable<Event>): Promise<void> {
    this.#timer = setInterval(() => {
      this.announce();
      // What could not be done, or was undone by somebody, is done again.
      this.#changed();
    }, announceEveryMs);
    this.#timer.unref();
    for await (const event of events) {
      if (event.type === 'host.placed') this.#hear(event.host, event.data.places);
    }
  }

  /** Asks all hosts, after a time in which nothing was heard. One that does not answer speaks up by itself. */
  async askPeers(): Promise<void> {
    this.#listensSince = Date.now();
    const peers = this.#hosts.list().filter(({ name }) => name !== this.#context.config.name);
    await Promise.all(
      peers.map(async ({ name }) => {
        const places = await this.#askPlaces(name);
        if (places) this.#hear(name, places);
      }),
    );
  }

  async #askPlaces(host: string): Promise<Place[] | undefined> {
    const options = { timeoutMs: peerAnswersMs, failFast: true };
    const answer = await this.#context.rpc.call(host, 'host.places', {}, options).catch(() => undefined);
    return answer?.places;
  }

  /** What keeps an application of this host from the world. */
  problem(application: string): string | undefined {
    return this.#egress.problem(application);
  }

  /** It is not heard any more, or is none of the hosts; undefined where this one has not listened for long enough. */
  #isLost(host: string): boolean | undefined {
    const { connected } = this.#context.rpc.connection;
    if (!connected || Date.now() - this.#listensSince <= lostAfterMs) return undefined;
    const seen = this.#hosts.list().find(({ name }) => name === host)?.lastSeen;
    return seen === undefined || Date.now() - Date.parse(seen) > lostAfterMs;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#applying;
  }

  #placeOf(record: ApplicationRecord): Place {
    return placeOf(record, this.#context.config.network.overlay !== undefined);
  }

  #hear(host: string, places: readonly Place[]): void {
    if (host === this.#context.config.name) return;
    this.#take(host, places);
    void this.#disputes.settle();
  }

  /** A host that was removed has nothing any more: its applications' addresses and ports are free. */
  #forgetRemoved(): void {
    for (const name of this.#removed()) this.#places.hear(name, []);
  }

  #removed(): string[] {
    return this.#hosts.listAll().flatMap(({ name, gone }) => (gone ? name : []));
  }

  #take(host: string, places: readonly Place[]): void {
    if (this.#removed().includes(host)) return;
    if (this.#places.hear(host, places.filter(this.#isPossible))) this.#changed();
  }

  /** Its address is not one of a host's, and its MAC is its own: so it takes nobody's packets but its own. */
  readonly #isPossible = ({ application, address, mac }: Place): boolean =>
    mac === macOf(application) &&
    !this.#hosts.list().some((host) => host.address === address || host.overlay?.address === address);

  /** What changes while it is being applied is applied afterwards. */
  #changed(): void {
    if (!this.#opened) return;
    this.#stale = true;
    this.#applying ??= this.#apply().finally(() => {
      this.#applying = undefined;
    });
  }

  async #apply(): Promise<void> {
    while (this.#stale) {
      this.#stale = false;
      const view = this.view();
      const text = JSON.stringify([
        view.hosts.map(({ overlay, address }) => [overlay, address]),
        view.places,
      ]);
      for (const each of this.#consequences)
        await each.apply(view).catch((error) => {
          this.#context.log.error({ err: error, code: codeOf(error) }, 'the network could not be adapted');
        });
      if (text !== this.#guarded) await this.#guardEdges(view);
      this.#guarded = text;
      await this.#write(view).catch((error) => {
        this.#context.log.warn({ err: error }, 'where applications are could not be written down');
      });
    }
  }

  /** Clients may have come, or have another address. */
  async #guardEdges(view: NetworkView): Promise<void> {
    for (const place of view.places.filter(({ host, allow }) => allow && host === view.own.name))
      await applyEdge(place.application, edgeRules(place, view)).catch((error) =>
        this.#context.log.error(
          { err: error, application: place.application },
          'its edge could not be guarded',
        ),
      );
  }

  async #write({ places }: NetworkView): Promise<void> {
    const text = `${JSON.stringify({ places }, undefined, 2)}\n`;
    if (text === this.#written) return;
    await writeFileDurably(this.#context.paths.placesFile, text, 0o600);
    this.#written = text;
  }
}
