// After which events the hosts are asked: those that tell of something of which only the hosts themselves know the rest.
import type { Event, EventType } from '../../contract/events.ts';
import type { InventoryPart } from '../../orchestrator/inventory.ts';
import { silenceMs } from './conditions.ts';
import type { ReadModel } from './read-model.ts';
import { isProvisional } from './reduce-applications.ts';

/** Of each kind: which events say by themselves what has changed, and which only that something has. */
const telling: Record<InventoryPart, { said: readonly EventType[]; hinted: readonly EventType[] }> = {
  applications: {
    said: ['application.changed', 'application.deleted'],
    hinted: ['agent.started', 'agent.stopped'],
  },
  hosts: {
    said: ['host.cordoned', 'host.uncordoned'],
    hinted: [
      'agent.started',
      'agent.stopped',
      'application.deployed',
      'application.deleted',
      'migration.finished',
    ],
  },
  checkpoints: { said: ['checkpoint.deleted'], hinted: ['checkpoint.taken', 'checkpoint.restored'] },
  images: {
    said: ['image.removed'],
    hinted: ['image.received', 'application.deployed', 'application.deleted', 'migration.finished'],
  },
  migrations: {
    said: [],
    hinted: [
      'migration.started',
      'migration.frozen',
      'migration.committed',
      'migration.finished',
      'migration.rolled-back',
      'migration.aborted',
      'migration.resolved',
    ],
  },
};

/** What must be heard so that lists of these kinds are as the hosts would tell them. */
export const eventsOfLists = (parts: readonly InventoryPart[]): EventType[] => [
  ...new Set(parts.flatMap((part) => [...telling[part].said, ...telling[part].hinted])),
];

/** Whether lists of these kinds are no longer whole after the event. */
export const listsNeed = (model: ReadModel, event: Event, parts: readonly InventoryPart[]): boolean =>
  parts.some((part) => telling[part].hinted.includes(event.type)) ||
  (parts.includes('applications') && isOfUnknown(model, event));

/** Whether the picture no longer shows all that there is. */
export function pictureNeeds(model: ReadModel, event: Event, nowMs: number): boolean {
  if (event.type === 'agent.started') return true;
  const known = model.hosts.get(event.host);
  // One that was away may have other applications than before.
  if (!known?.described || known.silent || nowMs - (known.heardAtMs ?? 0) > silenceMs) return true;
  return isOfUnknown(model, event);
}

function isOfUnknown(model: ReadModel, { type, data }: Event): boolean {
  if (type !== 'application.changed' && type !== 'application.deployed') return false;
  const application = model.applications.get(data.application);
  return application === undefined || isProvisional(application);
}
