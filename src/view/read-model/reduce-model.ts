// The one reducer of what is known: the model and what is learnt give the model that follows.
import type { ApplicationStatus } from '../../contract/application.ts';
import { type Event, events } from '../../contract/events.ts';
import { imageName } from '../../contract/image.ts';
import type { Progress } from '../../core/progress.ts';
import type { Inventory, InventoryPart } from '../../orchestrator/inventory.ts';
import { changeable, type Draft } from './draft.ts';
import { mergeInventory } from './merge-inventory.ts';
import { copyKey, type ReadModel } from './read-model.ts';
import { afterDeletion, afterStatus } from './reduce-applications.ts';
import { reduceCourse } from './reduce-course.ts';
import { afterSign } from './reduce-hosts.ts';
import { afterMigrationEvent, afterOrchestratorStep, afterPreparation } from './reduce-migrations.ts';

export type ModelNews =
  /** What the hosts answered, and what they were asked for. */
  | { type: 'inventory'; inventory: Inventory; parts: readonly InventoryPart[] }
  | { type: 'event'; event: Event }
  /** Kept events of before. */
  | { type: 'past'; events: readonly Event[] }
  /** Of what this process itself does. */
  | { type: 'progress'; progress: Progress }
  | { type: 'connection'; connected: boolean }
  | { type: 'problem'; message: string };

const eventsKept = 200;

/**
 * The model after the news. `draft` is for much news in a row: of many hosts a new map for every word of one of them
 * would be most of the work.
 */
export function reduceModel(
  model: ReadModel,
  news: ModelNews,
  nowMs: number,
  draft: Draft = new Set(),
): ReadModel {
  switch (news.type) {
    case 'inventory':
      return mergeInventory(model, news.inventory, news.parts, nowMs);
    case 'event':
      return afterEvent(model, news.event, nowMs, draft);
    case 'past': {
      const known = new Set(model.events.map(({ id }) => id));
      const earlier = news.events.filter(({ id }) => !known.has(id));
      const all = [...earlier, ...model.events].sort((a, b) => (a.time < b.time ? -1 : 1));
      return { ...model, events: all.slice(-eventsKept) };
    }
    case 'progress':
      return afterProgress(model, news.progress, nowMs, draft);
    case 'connection':
      if (news.connected === model.connection.connected) return model;
      return { ...model, connection: { connected: news.connected, sinceMs: nowMs } };
    case 'problem':
      return { ...model, problem: news.message };
  }
}

function afterProgress(model: ReadModel, progress: Progress, nowMs: number, draft: Draft): ReadModel {
  if (progress.type === 'heard') return afterEvent(model, progress.event, nowMs, draft);
  if (progress.type !== 'migrating') return { ...model, course: reduceCourse(model.course, progress, nowMs) };
  const { migration, event } = progress;
  return {
    ...model,
    migrations: afterOrchestratorStep(model.migrations, migration, event, nowMs, draft),
  };
}

function afterEvent(model: ReadModel, event: Event, nowMs: number, draft: Draft): ReadModel {
  const after: ReadModel = {
    ...model,
    hosts: afterSign(model.hosts, event, nowMs, draft),
    migrations: afterMigrationEvent(model.migrations, event, nowMs, draft),
    events: 'stat' in events[event.type] ? model.events : append(model.events, event),
  };
  switch (event.type) {
    case 'application.changed': {
      const { application } = event.data;
      const status = event.data.status as ApplicationStatus;
      const applications = afterStatus(after.applications, application, status, draft);
      const from = after.applications.get(application)?.status.host;
      const { host: to, migration, phase } = status;
      if (phase !== 'Incoming' || !migration || from === undefined || from === to)
        return { ...after, applications };
      const identity = { migration, application, from, to };
      return { ...after, migrations: afterPreparation(after.migrations, identity, nowMs, draft) };
    }
    case 'application.deleted':
      return {
        ...after,
        applications: afterDeletion(after.applications, event.data.application, event.host, draft),
      };
    case 'checkpoint.deleted':
      return {
        ...after,
        checkpoints: without(after.checkpoints, copyKey(event.data.checkpoint, event.host), draft),
      };
    case 'image.removed':
      return {
        ...after,
        images: without(after.images, copyKey(imageName(event.data.digest), event.host), draft),
      };
    default:
      return after;
  }
}

function without<V>(map: ReadonlyMap<string, V>, key: string, draft: Draft): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const after = changeable(map, draft);
  after.delete(key);
  return after;
}

const append = (all: readonly Event[], event: Event): readonly Event[] =>
  all.some(({ id }) => id === event.id) ? all : [...all.slice(-(eventsKept - 1)), event];
