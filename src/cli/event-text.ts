// Events in words.
import type { Event } from '../contract/events.ts';

/** What an event is about, as `application/shop`; its container after a colon. */
export function eventSubject(event: Event): string {
  const data = event.data as Record<string, unknown>;
  if (typeof data.application === 'string') {
    const container = typeof data.container === 'string' ? `:${data.container}` : '';
    return `application/${data.application}${container}`;
  }
  return `host/${event.host}`;
}

/** What it says beyond its type and subject. */
export function eventDetails(event: Event): string {
  switch (event.type) {
    case 'agent.started':
      return `version ${event.data.version}`;
    case 'host.diagnosed':
      return (
        event.data.findings.map(({ level, message }) => `${level}: ${message}`).join('; ') || 'all is well'
      );
    case 'host.cordoned':
    case 'host.uncordoned':
      return `by ${event.data.by}`;
    case 'application.deployed':
      return event.data.address;
    case 'container.exited':
      return `exit code ${event.data.exitCode}`;
    case 'container.restarted':
      return `restart ${event.data.restarts}`;
    case 'image.received':
      return `${event.data.digest}, ${event.data.sizeBytes} bytes`;
    case 'migration.started':
      return `${move(event.data)}, ${event.data.strategy}`;
    case 'migration.stepped':
      return `${move(event.data)}: ${event.data.step}`;
    case 'migration.frozen':
      return `${move(event.data)}, connections: ${event.data.connections}`;
    case 'migration.finished':
      return `${move(event.data)}, frozen for ${Math.round(event.data.frozenMs)} ms`;
    case 'migration.rolled-back':
    case 'migration.aborted':
      return `${move(event.data)}${event.data.error ? `: ${event.data.error.message}` : ''}`;
    case 'migration.resolved':
      return `${move(event.data)}: given to the ${event.data.resolution.to} by ${event.data.resolution.by}`;
    case 'application.fenced':
      return `epoch ${event.data.epoch}, put aside in ${event.data.folder}: ${event.data.owner} has epoch ${event.data.ownerEpoch}`;
    case 'migration.transferred':
    case 'migration.restored':
    case 'migration.committed':
      return move(event.data);
    case 'application.started':
    case 'application.stopped':
    case 'application.deleted':
    case 'container.started':
    case 'container.ready':
    case 'agent.stopped':
      return '';
    default:
      return JSON.stringify(event.data);
  }
}

const move = (data: { migration: string; from: string; to: string }): string =>
  `${data.migration} ${data.from} -> ${data.to}`;
