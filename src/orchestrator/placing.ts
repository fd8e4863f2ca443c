// Where an application goes and which address it gets, without doing it.
import type { Application, ApplicationManifest } from '../contract/application.ts';
import type { Host } from '../contract/host.ts';
import { collide, hostPortText, type PublishedPort } from '../contract/published-port.ts';
import { CmigError } from '../core/errors.ts';
import { chooseAddress, isWithin, parseRange } from './address-range.ts';
import { findReadyHost, refuseCordoned } from './finding.ts';
import type { Inventory } from './inventory.ts';
import type { AwayApplication } from './last-holder.ts';

export interface Placement {
  host: Host;
  address: string;
  /** What runs now under this name. */
  existing?: Application;
  /** What the user should know although it is no error. */
  notes: string[];
}

/**
 * A new application goes to `spec.host`; one that exists stays where it is, whatever `spec.host` says.
 * @param reserved addresses that were chosen but are not in use yet
 * @param away what hosts have that did not answer
 * @throws CmigError `not-found`, `unreachable` or `conflict` (host), `conflict` or `invalid` (address)
 */
export function placeApplication(
  inventory: Inventory,
  manifest: ApplicationManifest,
  reserved: ReadonlySet<string> = new Set(),
  away: readonly AwayApplication[] = [],
): Placement {
  const { name } = manifest.metadata;
  const { spec } = manifest;
  const existing = inventory.applications.find(({ metadata }) => metadata.name === name);
  const notes: string[] = [];
  if (existing && existing.status.host !== spec.host) {
    notes.push(
      `application ${name} stays on ${existing.status.host}: spec.host (${spec.host}) only says where it first runs; to move it: cmig migrate ${name} ${spec.host}`,
    );
  }
  if (existing && (existing.status.phase === 'Migrating' || existing.status.phase === 'Incoming')) {
    throw new CmigError('conflict', `application ${name} is being migrated`, {
      hint: `wait for it to end: cmig get migration ${existing.status.migration ?? ''}`.trimEnd(),
    });
  }
  const host = findReadyHost(inventory, existing?.status.host ?? spec.host);
  if (!existing) refuseCordoned(inventory, host, name);
  refuseTakenPorts(inventory, manifest, away);
  const address = placeAddress(inventory, {
    name,
    wanted: spec.network?.address,
    existing,
    host,
    reserved,
    away,
  });
  return { host, address, notes, ...(existing ? { existing } : {}) };
}

/** @throws CmigError `conflict` where another application publishes a port on one of the hosts, or a host is unknown */
function refuseTakenPorts(
  { applications, hosts }: Inventory,
  { metadata, spec }: ApplicationManifest,
  away: readonly AwayApplication[],
): void {
  const names = hosts.map((host) => host.metadata.name);
  const { ports = [], egress } = spec.network ?? {};
  const asked = [...ports.flatMap((port) => port.hosts ?? []), ...(egress ? [egress] : [])];
  const unknown = asked.find((host) => host !== 'all' && !names.includes(host));
  if (unknown !== undefined)
    throw new CmigError(
      'not-found',
      `application ${metadata.name} names a host ${unknown}, which there is not`,
      {
        hint: `the hosts are ${names.join(', ')}`,
      },
    );
  const owners = [
    ...applications.map(({ metadata: { name }, spec }) => ({ name, called: name, ...spec.network })),
    ...away.map(({ name, host, ports }) => ({ name, called: `${name}, last on ${host}`, ports })),
  ];
  for (const port of ports)
    for (const owner of owners)
      if (owner.name !== metadata.name && owner.ports?.some((taken) => collide(port, taken)))
        throw portTaken(metadata.name, port, owner.called);
}

export const portTaken = (name: string, port: PublishedPort, owner: string) =>
  new CmigError(
    'conflict',
    `the host port ${hostPortText(port)} of application ${name} belongs to ${owner}`,
    {
      hint: 'choose another hostPort, or other hosts',
    },
  );

interface AddressQuestion {
  name: string;
  wanted: string | undefined;
  existing: Application | undefined;
  host: Host;
  reserved: ReadonlySet<string>;
  away: readonly AwayApplication[];
}

function placeAddress(
  inventory: Inventory,
  { name, wanted, existing, host, reserved, away }: AddressQuestion,
): string {
  if (existing && (wanted === undefined || wanted === existing.status.address))
    return existing.status.address;
  const network = host.status.applicationNetwork;
  if (network === undefined) {
    throw new CmigError(
      'failed',
      `host ${host.metadata.name} did not say which addresses its applications have`,
    );
  }
  const range = parseRange(network);
  const owners = new Map<string, string>();
  for (const other of inventory.hosts) owners.set(other.spec.address, `host ${other.metadata.name}`);
  for (const other of away)
    if (other.address && other.name !== name)
      owners.set(other.address, `application ${other.name}, last on ${other.host}`);
  for (const other of inventory.applications) {
    if (other.metadata.name !== name) owners.set(other.status.address, `application ${other.metadata.name}`);
  }
  const free = () => chooseAddress(range, new Set([...owners.keys(), ...reserved]));
  if (wanted === undefined) return free();
  if (!isWithin(range, wanted)) {
    throw new CmigError('invalid', `the address ${wanted} of application ${name} is outside ${network}`, {
      hint: `choose one within ${network}, or leave spec.network.address out`,
    });
  }
  const owner =
    owners.get(wanted) ?? (reserved.has(wanted) ? 'another application of this apply' : undefined);
  if (owner) {
    throw new CmigError('conflict', `the address ${wanted} of application ${name} belongs to ${owner}`, {
      hint: `${free()} is free; or leave spec.network.address out`,
    });
  }
  return wanted;
}
