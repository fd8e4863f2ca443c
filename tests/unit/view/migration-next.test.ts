// The command that a person is told to run next.
import { describe, expect, it } from '@jest/globals';
import type { Migration } from '../../../src/contract/migration.ts';
import { nextCommand } from '../../../src/view/migration-next.ts';

const now = Date.parse('2026-01-01T00:01:00Z');
const next = (status: Partial<Migration['status']>): string | undefined =>
  nextCommand(
    {
      apiVersion: 'cmig.dev/v1',
      kind: 'Migration',
      metadata: { name: 'm-12345678' },
      spec: { application: 'shop', from: 'host-a', to: 'host-b', strategy: 'stop-and-copy', epoch: 2 },
      status: { role: 'source', host: 'host-a', state: 'permitted', startedAt: '', ...status },
    },
    now,
  )?.command;
const waits = { resolvableFrom: '2026-01-01T00:00:20Z', journals: ['host-a'] };

describe('nextCommand', () => {
  it('offers a decision to a person only where it would not be refused at once', () => {
    expect(next(waits)).toBe('cmig migration resolve m-12345678 --to source');
    const opening = { role: 'destination', host: 'host-b', state: 'committed' } as const;
    expect(next({ ...waits, ...opening, journals: ['host-b'] })).toBe(
      'cmig migration resolve m-12345678 --to destination',
    );
    expect(next({ ...waits, resolvableFrom: '2026-01-01T00:02:00Z' })).toBe('cmig get host host-b');
    expect(next({ ...waits, journals: ['host-a', 'host-b'] })).toBe('cmig get host host-b');
    const resolved = { to: 'source', by: 'ann', at: '' } as const;
    expect(next({ ...waits, resolved })).toBe('cmig events -w --for migration/m-12345678');
  });

  it('follows what is under way, tries again what failed, and has nothing to say of what is done', () => {
    expect(next({ state: 'frozen' })).toBe('cmig events -w --for migration/m-12345678');
    expect(
      next({ state: 'rolled-back', outcome: 'rolled-back', error: { code: 'failed', message: '' } }),
    ).toBe('cmig migrate shop host-b');
    expect(next({ state: 'finished', outcome: 'committed' })).toBeUndefined();
  });
});
