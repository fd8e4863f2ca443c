// What the hosts answered, taken into the model: what a silent host had is not gone, only unknown.
import type { Inventory, InventoryPart } from '../../orchestrator/inventory.ts';
import { copyKey, type ReadModel } from './read-model.ts';
import { mergeApplications } from './reduce-applications.ts';
import { mergeHosts } from './reduce-hosts.ts';
import { mergeJournalled } from './reduce-migrations.ts';

/** @param parts what the hosts were asked for: the rest stays as it is */
export function mergeInventory(
  model: ReadModel,
  inventory: Inventory,
  parts: readonly InventoryPart[],
  nowMs: number,
): ReadModel {
  const { problem: _, ...rest } = model;
  const silent = new Set(inventory.unreachable);
  const has = (part: InventoryPart): boolean => parts.includes(part);
  return {
    ...rest,
    complete: true,
    hosts: mergeHosts(model.hosts, inventory.hosts, { silent, asked: has('hosts'), nowMs }),
    ...(has('applications')
      ? {
          applications: mergeApplications(model.applications, inventory.applications, silent),
          warnings: inventory.warnings,
        }
      : {}),
    ...(has('checkpoints')
      ? { checkpoints: mergeCopies(model.checkpoints, inventory.checkpoints, silent) }
      : {}),
    ...(has('images') ? { images: mergeCopies(model.images, inventory.images, silent) } : {}),
    ...(has('migrations')
      ? { migrations: mergeJournalled(model.migrations, inventory.migrations, silent, nowMs) }
      : {}),
  };
}

interface Copy {
  metadata: { name: string };
  status: { host: string };
}

function mergeCopies<T extends Copy>(
  known: ReadonlyMap<string, T>,
  answered: readonly T[],
  silent: ReadonlySet<string>,
): ReadonlyMap<string, T> {
  const kept = [...known].filter(([, { status }]) => silent.has(status.host));
  const told = answered.map((each): [string, T] => [copyKey(each.metadata.name, each.status.host), each]);
  return new Map([...kept, ...told]);
}
