// What hosts have that do not answer, by what the broker has kept and by what the other hosts have heard.
import type { Event } from '../contract/events.ts';
import type { KnownPlace } from '../contract/place.ts';
import type { PublishedPort } from '../contract/published-port.ts';
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import type { Inventory } from './inventory.ts';
import { readRecentEvents } from './recent-events.ts';

const weekMs = 7 * 86_400_000;

/** An application that a host has which does not answer, as far as is known. */
export interface AwayApplication {
  name: string;
  host: string;
  address?: string;
  ports?: readonly PublishedPort[];
}

/** Those that the hosts have which did not answer; nothing is asked where all have. */
export async function applicationsAway(
  context: OrchestratorContext,
  inventory: Pick<Inventory, 'applications' | 'hosts' | 'unreachable'>,
): Promise<AwayApplication[]> {
  if (inventory.unreachable.length === 0) return [];
  const [events, places] = await Promise.all([
    readRecentEvents(context, {
      matches: ({ data }) => 'application' in data,
      reachMs: weekMs,
      limit: Number.POSITIVE_INFINITY,
    }),
    readKnownPlaces(context, inventory),
  ]);
  return chooseAway(inventory, lastPlaces(events), places);
}

/** What the hosts that answer have heard of all. */
async function readKnownPlaces(
  { rpc }: Pick<OrchestratorContext, 'rpc'>,
  { hosts }: Pick<Inventory, 'hosts'>,
): Promise<KnownPlace[]> {
  const ready = hosts.filter(({ status }) => status.condition === 'Ready');
  const answers = await Promise.all(
    ready.map(({ metadata }) =>
      rpc.call(metadata.name, 'host.known-places', {}, { failFast: 'meanwhile' }).catch(() => undefined),
    ),
  );
  return answers.flatMap((answer) => answer?.places ?? []);
}

/**
 * Where an application is, events tell best: they know of deletions, too. Hosts remember what was before the oldest event,
 * and which ports they publish.
 */
export function chooseAway(
  { applications, unreachable }: Pick<Inventory, 'applications' | 'unreachable'>,
  told: ReadonlyMap<string, AwayApplication | undefined>,
  places: readonly KnownPlace[],
): AwayApplication[] {
  const heard = new Map<string, KnownPlace>();
  for (const place of places)
    if (place.epoch >= (heard.get(place.application)?.epoch ?? 0)) heard.set(place.application, place);
  const present = new Set(applications.map(({ metadata }) => metadata.name));
  const names = [...new Set([...told.keys(), ...heard.keys()])].filter((name) => !present.has(name));
  return names.flatMap((name) => {
    const last = told.get(name);
    const place = heard.get(name);
    const host = told.has(name) ? last?.host : place?.host;
    if (host === undefined || !unreachable.includes(host)) return [];
    const address = place?.address ?? last?.address;
    return [{ name, host, ...(address ? { address } : {}), ...(place?.ports ? { ports: place.ports } : {}) }];
  });
}

/**
 * A name is free only where no host that does not answer is known to have it.
 * @throws CmigError `conflict`
 */
export function requireNameFree(away: readonly AwayApplication[], application: string): void {
  const holder = away.find(({ name }) => name === application)?.host;
  if (holder === undefined) return;
  throw new CmigError('conflict', `application ${application} was last on ${holder}, which does not answer`, {
    hint: `bring ${holder} back, for it would be in two places; if ${holder} is lost for good: cmig host remove ${holder} --lost`,
  });
}

/** Where each was last, by these events, oldest first; undefined for what was deleted. */
export function lastPlaces(events: readonly Event[]): Map<string, AwayApplication | undefined> {
  const last = new Map<string, AwayApplication | undefined>();
  for (const event of events) {
    const put = (name: string, host: string, address = last.get(name)?.address): void =>
      void last.set(name, { name, host, ...(address ? { address } : {}) });
    if (event.type === 'application.deployed') put(event.data.application, event.host, event.data.address);
    if (event.type === 'migration.committed') put(event.data.application, event.data.to);
    if (event.type === 'checkpoint.restored') put(event.data.application, event.host);
    if (event.type !== 'application.deleted') continue;
    const holder = last.get(event.data.application)?.host ?? event.host;
    if (holder === event.host) last.set(event.data.application, undefined);
  }
  return last;
}
