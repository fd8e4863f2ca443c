// What of the overlay's entries has to change.
import { describe, expect, it } from '@jest/globals';
import { type Entry, overlayChanges } from '../../../../agent/network/overlay-changes.ts';

const entry = (name: string, address: string, via: string): Entry => ({ mac: name, address, via });
const byMac = (...entries: Entry[]) => new Map(entries.map((each) => [each.mac, each]));
const shop = entry('shop', '10.77.0.10', 'host-a');

describe('overlayChanges', () => {
  it('turns what has moved, of which nobody need hear', () => {
    const moved = { ...shop, via: 'host-b' };
    expect(overlayChanges(byMac(shop), byMac(moved), true)).toEqual({
      changed: [moved],
      gone: [],
      deserted: [],
      taken: [],
    });
  });

  it('tells an address that has come to another from one that nobody has any more', () => {
    const other = entry('other', shop.address, 'host-c');
    expect(overlayChanges(byMac(shop), byMac(other), true)).toEqual({
      changed: [other],
      gone: [shop],
      deserted: [],
      taken: [shop.address],
    });
    expect(overlayChanges(byMac(shop), byMac(), true)).toMatchObject({
      gone: [shop],
      deserted: [shop.address],
    });
  });

  it('deserts the address that an application had before it was made anew with another', () => {
    const anew = { ...shop, address: '10.77.0.11' };
    expect(overlayChanges(byMac(shop), byMac(anew), true)).toEqual({
      changed: [anew],
      gone: [],
      deserted: [shop.address],
      taken: [anew.address],
    });
  });

  it('takes nothing away before all is known', () => {
    expect(overlayChanges(byMac(shop), byMac(), false)).toMatchObject({ gone: [], deserted: [] });
  });
});
