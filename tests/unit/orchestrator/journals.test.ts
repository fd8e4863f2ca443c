// One migration, told by two hosts.
import { describe, expect, it } from '@jest/globals';
import type { Migration } from '../../../src/contract/migration.ts';
import { mergeJournals } from '../../../src/orchestrator/journals.ts';

const journal = (role: 'source' | 'destination', status: Partial<Migration['status']>): Migration => ({
  apiVersion: 'cmig.dev/v1',
  kind: 'Migration',
  metadata: { name: 'm-12345678' },
  spec: { application: 'shop', from: 'host-a', to: 'host-b', strategy: 'stop-and-copy', epoch: 2 },
  status: {
    role,
    host: role === 'source' ? 'host-a' : 'host-b',
    state: role === 'source' ? 'frozen' : 'prepared',
    startedAt: '2026-01-01T00:00:00Z',
    ...status,
  },
});

describe('mergeJournals', () => {
  it("takes the source's word, and from the destination what the source does not know yet", () => {
    const source = journal('source', { state: 'permitted', frozenMs: 300, phases: { dump: 100 } });
    const destination = journal('destination', {
      state: 'committed',
      outcome: 'committed',
      phases: { restore: 80 },
    });
    const [merged, ...others] = mergeJournals([destination, source]);
    expect(others).toEqual([]);
    expect(merged!.status).toMatchObject({
      role: 'source',
      state: 'permitted',
      outcome: 'committed',
      frozenMs: 300,
      phases: { dump: 100, restore: 80 },
      journals: ['host-a', 'host-b'],
    });
  });

  it('tells in one line of time what both have written down, and waits for what the source waits for', () => {
    const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
    const source = journal('source', {
      awaits: 'the word of host-b',
      resolvableFrom: at(9),
      history: [
        { state: 'frozen', at: at(1), host: 'host-a' },
        { state: 'permitted', at: at(3), host: 'host-a' },
      ],
    });
    const destination = journal('destination', {
      awaits: 'the permit of host-a',
      awaitsUntil: at(5),
      history: [{ state: 'restored', at: at(2), host: 'host-b' }],
    });
    const { status } = mergeJournals([source, destination])[0]!;
    expect(status.history!.map(({ state }) => state)).toEqual(['frozen', 'restored', 'permitted']);
    expect(status).toMatchObject({ awaits: 'the word of host-b', resolvableFrom: at(9) });
    expect(status).not.toHaveProperty('awaitsUntil');
  });

  it('shows what one host knows where the other does not answer', () => {
    const destination = journal('destination', {});
    expect(mergeJournals([destination])).toEqual([
      { ...destination, status: { ...destination.status, journals: ['host-b'] } },
    ]);
  });
});
