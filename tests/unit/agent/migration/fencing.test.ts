// Which of two claims to one application yields.
import { describe, expect, it } from '@jest/globals';
import { isNewer, isOlder } from '../../../../agent/migration/fencing.ts';

const claim = (epoch: number, phase = 'Running') => ({ application: 'shop', host: 'host-b', epoch, phase });

describe('claims', () => {
  it('yield to a higher epoch, and are told to a lower one', () => {
    expect(isNewer({ epoch: 2 }, claim(3))).toBe(true);
    expect(isOlder({ epoch: 3 }, claim(2))).toBe(true);
    for (const judge of [isNewer, isOlder]) {
      expect(judge({ epoch: 2 }, claim(2))).toBe(false);
      expect(judge(undefined, claim(2))).toBe(false);
    }
  });

  it('of a migration under way are left to it', () => {
    const migration = { id: 'm-12345678', role: 'source' } as const;
    expect(isNewer({ epoch: 2, migration }, claim(3))).toBe(false);
    expect(isNewer({ epoch: 2 }, claim(3, 'Incoming'))).toBe(false);
    expect(
      isOlder({ epoch: 3, migration: { ...migration, role: 'destination' } }, claim(2, 'Migrating')),
    ).toBe(false);
  });
});
