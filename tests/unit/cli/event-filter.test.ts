import { describe, expect, it } from '@jest/globals';
import { parseEventSubject, parseEventTypes } from '../../../src/cli/event-filter.ts';
import { parseSince } from '../../../src/cli/since.ts';
import type { Event } from '../../../src/contract/events.ts';
import type { CmigError } from '../../../src/core/errors.ts';

const refusal = (work: () => unknown): CmigError => {
  try {
    work();
  } catch (error) {
    return error as CmigError;
  }
  throw new Error('not refused');
};

const event = (type: Event['type'], host: string, data: object): Event =>
  ({ id: '1', type, time: '2030-01-01T00:00:00Z', host, data }) as Event;

describe('types of events', () => {
  it('come by name and by group, figures by name only', () => {
    expect(parseEventTypes(['container', 'agent.started,host.measured'])).toEqual([
      'container.started',
      'container.ready',
      'container.exited',
      'container.restarted',
      'agent.started',
      'host.measured',
    ]);
    expect(parseEventTypes(['migration'])).not.toContain('migration.progressed');
    expect(parseEventTypes(['migration.*', 'migration'])).toEqual(parseEventTypes(['migration']));
  });

  it('are refused where there are none', () => {
    expect(refusal(() => parseEventTypes(['migratoin'])).hint).toBe('did you mean "migration"?');
    expect(refusal(() => parseEventTypes(['contain'])).code).toBe('invalid');
  });
});

describe('the subject of events', () => {
  it('is an application, a host or a migration', () => {
    const moved = event('migration.committed', 'host-b', {
      application: 'shop',
      migration: 'm-1',
      from: 'host-a',
      to: 'host-b',
    });
    const other = event('application.started', 'host-c', { application: 'cart' });
    for (const subject of ['app/shop', 'host/host-a', 'hosts/host-b', 'migration/m-1']) {
      expect([subject, parseEventSubject(subject)(moved)]).toEqual([subject, true]);
      expect([subject, parseEventSubject(subject)(other)]).toEqual([subject, false]);
    }
  });

  it.each(['shop', 'pod/shop', 'app/', 'app/a/b', 'constructor/x'])('is not %s', (text) => {
    expect(refusal(() => parseEventSubject(text)).code).toBe('invalid');
  });
});

describe('since', () => {
  it('is a duration or a time', () => {
    expect(parseSince('5m', 600_000)).toEqual(new Date(300_000));
    expect(parseSince('2030-01-31T12:00:00+01:00')).toEqual(new Date('2030-01-31T11:00:00Z'));
  });

  it.each(['', 'yesterday', '5', '2030-13-01', '12'])('is not "%s"', (text) => {
    expect(refusal(() => parseSince(text)).code).toBe('invalid');
  });
});
