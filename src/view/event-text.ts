// Events as sentences, and what each of them concerns.
import type { Event } from '../contract/events.ts';
import { imageName } from '../contract/image.ts';
import { formatAge, formatBytes, formatCount, formatDuration, formatRate } from './formats.ts';

/** What has happened, in one sentence without a full stop. */
export function eventText(event: Event): string {
  const { type, host } = event;
  switch (type) {
    case 'agent.started':
      return `agent ${event.data.version} started`;
    case 'agent.stopped':
      return 'agent stopped';
    case 'host.diagnosed': {
      const { findings } = event.data;
      if (findings.length === 0) return 'all is well here';
      return findings.map(({ level, message }) => `${level}: ${message}`).join('; ');
    }
    case 'host.cordoned':
      return `cordoned by ${event.data.by}: takes no further application`;
    case 'host.uncordoned':
      return `uncordoned by ${event.data.by}`;
    case 'host.heard':
      return `${event.data.host.name} is there, at ${event.data.host.address}`;
    case 'host.placed':
      return `has ${formatCount(event.data.places.length, 'application')}`;
    case 'host.measured':
      return `CPU ${Math.round(event.data.statistics.cpu * 100)} %, ${formatBytes(event.data.statistics.memoryUsedBytes)} in use`;
    case 'image.received':
      return `image ${shortDigest(event.data.digest)} received, ${formatBytes(event.data.sizeBytes)}`;
    case 'image.removed':
      return `image ${shortDigest(event.data.digest)} removed, which nobody used: ${formatBytes(event.data.sizeBytes)}`;
    case 'image.progressed':
      return `image ${shortDigest(event.data.digest)} on its way to ${event.data.to}: ${formatBytes(event.data.bytes)}, ${formatRate(event.data.bytesPerSecond)}`;
    case 'application.deployed':
      return `deployed on ${host} with the address ${event.data.address}`;
    case 'application.started':
      return `started on ${host}`;
    case 'application.stopped':
      return `stopped on ${host}`;
    case 'application.deleted':
      return `deleted from ${host}`;
    case 'application.cut-off':
      return `cannot reach the world: ${event.data.egress}, through which it goes, is not heard any more`;
    case 'application.connected':
      return `reaches the world through ${event.data.egress} again`;
    case 'application.changed':
      return `is ${phaseOf(event.data.status)} on ${host}`;
    case 'container.started':
      return `container ${event.data.container} started`;
    case 'container.ready':
      return `container ${event.data.container} is ready`;
    case 'container.exited':
      return `container ${event.data.container} ended with exit code ${event.data.exitCode}`;
    case 'container.restarted':
      return `container ${event.data.container} restarted (${formatCount(event.data.restarts, 'restart')} in all)`;
    case 'checkpoint.taken':
      return `checkpoint ${event.data.checkpoint} taken, frozen for ${formatDuration(event.data.frozenMs)}`;
    case 'checkpoint.restored':
      return `set back to checkpoint ${event.data.checkpoint}${event.data.kept ? `; what ran before is kept as ${event.data.kept}` : ''}`;
    case 'checkpoint.failed':
      return `no checkpoint could be taken: ${event.data.error.message}`;
    case 'checkpoint.deleted':
      return `checkpoint ${event.data.checkpoint} deleted from ${host}`;
    case 'migration.started':
      return `migration from ${event.data.from} to ${event.data.to} started (${event.data.strategy})`;
    case 'migration.stepped':
      return `migration to ${event.data.to}: ${event.data.step}`;
    case 'migration.progressed':
      return `migration to ${event.data.to}: ${event.data.step}, ${formatBytes(event.data.bytes)}`;
    case 'migration.frozen':
      return `frozen on ${event.data.from}, ${formatCount(event.data.connections, 'connection')} held`;
    case 'migration.transferred': {
      const { memory, files } = event.data.bytes;
      return `${formatBytes(memory)} of memory and ${formatBytes(files)} of files sent to ${event.data.to}`;
    }
    case 'migration.restored':
      return `restored on ${event.data.to}, still held`;
    case 'migration.committed':
      return `committed: runs on ${event.data.to}`;
    case 'migration.finished':
      return `moved from ${event.data.from} to ${event.data.to}, frozen for ${formatDuration(event.data.frozenMs)}`;
    case 'migration.rolled-back':
      return `rolled back: runs on ${event.data.from} as before${because(event.data.error)}`;
    case 'migration.aborted':
      return `given up on ${event.data.to}${because(event.data.error)}`;
    case 'migration.resolved':
      return `given to ${event.data.resolution.to === 'source' ? event.data.from : event.data.to} by ${event.data.resolution.by}`;
    case 'application.fenced':
      return `the older copy on ${host} was stopped and put aside (${event.data.folder}): ${event.data.owner} has a newer one`;
    case 'operation.ended':
      return `${event.data.method} ${event.data.fault ? 'failed' : 'ended'}`;
  }
}

const because = (error: { message: string } | undefined) => (error ? `: ${error.message}` : '');
const shortDigest = (digest: string) => digest.slice(0, 'sha256:'.length + 12);
const phaseOf = (status: unknown): string =>
  typeof status === 'object' && status !== null && 'phase' in status ? String(status.phase) : 'unknown';

/** What an event concerns: `application/shop`, `migration/m-1`, and always `host/host-a`. */
export function eventSubjects({ data, host }: Event): string[] {
  const subjects: string[] = [];
  if ('application' in data) subjects.push(`application/${data.application}`);
  if ('digest' in data) subjects.push(`image/${imageName(data.digest)}`);
  if ('migration' in data) subjects.push(`migration/${data.migration}`);
  if ('checkpoint' in data) subjects.push(`checkpoint/${data.checkpoint}`);
  if ('from' in data) subjects.push(`host/${data.from}`);
  if ('to' in data) subjects.push(`host/${data.to}`);
  subjects.push(`host/${host}`);
  return [...new Set(subjects)];
}

/** The columns of a list of events. */
export const eventColumns = [
  { header: 'AGE', value: (event: Event) => formatAge(Date.now() - Date.parse(event.time)) },
  { header: 'TYPE', value: (event: Event) => event.type as string },
  { header: 'SUBJECT', value: (event: Event) => eventSubjects(event)[0]! },
  { header: 'HOST', value: (event: Event) => event.host },
  { header: 'MESSAGE', value: eventText },
];
