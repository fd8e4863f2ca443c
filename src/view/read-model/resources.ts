// The model as resources of each kind, as `get` lists them, and what of them has changed between two models.
import type { Application } from '../../contract/application.ts';
import type { Checkpoint } from '../../contract/checkpoint.ts';
import type { Host } from '../../contract/host.ts';
import type { Image } from '../../contract/image.ts';
import type { Migration } from '../../contract/migration.ts';
import type { InventoryPart } from '../../orchestrator/inventory.ts';
import { copyKey, type HostState, type ReadModel } from './read-model.ts';
import { isProvisional } from './reduce-applications.ts';

export interface Resources {
  applications: Application;
  hosts: Host;
  checkpoints: Checkpoint;
  images: Image;
  migrations: Migration;
}
export type ResourceItem = Resources[InventoryPart];

/** Something is new, is another than before, or is gone. */
export interface Change {
  part: InventoryPart;
  item: ResourceItem;
  gone: boolean;
}

const selectors: { [P in InventoryPart]: (model: ReadModel) => Resources[P][] } = {
  // Of what is only known by its status there is more to come.
  applications: ({ applications }) => [...applications.values()].filter((each) => !isProvisional(each)),
  // Of one that is only known by a sign of it, too.
  hosts: ({ hosts }) => [...hosts.values()].filter(({ host }) => host.spec.address !== '').map(asHost),
  checkpoints: ({ checkpoints }) => [...checkpoints.values()],
  images: ({ images }) => [...images.values()],
  migrations: ({ migrations }) => [...migrations.values()].flatMap(({ journal }) => journal ?? []),
};

/** All of one kind, as the hosts tell of them. */
export const resourcesOf = <P extends InventoryPart>(model: ReadModel, part: P): Resources[P][] =>
  selectors[part](model);

/** Hosts that did not answer (all of) what they were asked. */
export const silentHosts = ({ hosts }: ReadModel): string[] =>
  [...hosts.values()].filter(({ silent }) => silent).map(({ host }) => host.metadata.name);

function asHost({ host, silent }: HostState): Host {
  if (!silent || host.status.condition !== 'Ready') return host;
  return { ...host, status: { ...host.status, condition: 'NotReady' } };
}

/** What is another in `after` than in `before`; what has only other figures is the same. */
export function* changesBetween(
  before: ReadModel,
  after: ReadModel,
  parts: readonly InventoryPart[],
): Generator<Change> {
  for (const part of parts) {
    if (before[part] === after[part]) continue;
    const known = new Map(resourcesOf(before, part).map((item) => [keyOf(item), item]));
    for (const item of resourcesOf(after, part)) {
      const key = keyOf(item);
      const earlier = known.get(key);
      known.delete(key);
      if (earlier && (earlier === item || fingerprint(earlier) === fingerprint(item))) continue;
      yield { part, item, gone: false };
    }
    for (const item of known.values()) yield { part, item, gone: true };
  }
}

const keyOf = (item: ResourceItem): string =>
  item.kind === 'Checkpoint' || item.kind === 'Image'
    ? copyKey(item.metadata.name, item.status.host)
    : item.metadata.name;

/** What makes a difference worth telling: of a host, not its figures. */
function fingerprint(item: ResourceItem): string {
  if (item.kind !== 'Host') return JSON.stringify(item);
  const { lastSeen, memoryAvailableBytes, diskAvailableBytes, statistics, message, ...status } = item.status;
  return JSON.stringify({ ...item, status });
}
