// One application, whatever several hosts say of it.
import { describe, expect, it } from '@jest/globals';
import { mergeClaims } from '../../../src/orchestrator/claims.ts';
import { application } from './inventories.ts';

describe('mergeClaims', () => {
  it('sees a migration as one application at its source, then at its destination', () => {
    const source = application('shop', { phase: 'Migrating' });
    const expecting = application('shop', { phase: 'Incoming', host: 'host-b', epoch: 2 });
    const moved = application('shop', { host: 'host-b', epoch: 2 });
    expect(mergeClaims([expecting, source])).toEqual({ current: [source], warnings: [] });
    expect(mergeClaims([source, moved])).toEqual({ current: [moved], warnings: [] });
  });

  it('lets the higher epoch win over a rival, and warns', () => {
    const old = application('shop', { host: 'host-a', epoch: 3 });
    const current = application('shop', { host: 'host-b', epoch: 4 });
    const merged = mergeClaims([old, current]);
    expect(merged.current).toEqual([current]);
    expect(merged.warnings).toEqual([expect.stringContaining('host-b (epoch 4) and host-a (epoch 3)')]);
  });
});
