// Where applications are: which of two claims counts.
import { describe, expect, it } from '@jest/globals';
import { Places } from '../../../../agent/network/places.ts';

const shop = (epoch: number) => ({
  application: 'shop',
  address: '10.77.0.10',
  mac: '02:00:00:00:00:01',
  epoch,
});
const hostOf = (places: Places) => places.all().map(({ host }) => host);

describe('Places', () => {
  it('follows a move, whichever of the two hosts is heard first', () => {
    const places = new Places('host-c');
    places.hear('host-a', [shop(1)]);
    expect(places.hear('host-b', [shop(2)])).toBe(true);
    expect(hostOf(places)).toEqual(['host-b']);
    // News of the source that were under way.
    expect(places.hear('host-a', [shop(1)])).toBe(false);
    places.hear('host-a', []);
    expect(hostOf(places)).toEqual(['host-b']);
  });

  it('gives up what it holds to a newer claim only, and takes it back with a newer one still', () => {
    const places = new Places('host-a');
    places.hold(shop(3));
    places.hear('host-b', [shop(2)]);
    expect(places.own()).toEqual([shop(3)]);
    places.hear('host-b', [shop(4)]);
    expect(places.own()).toEqual([]);
    places.hold(shop(5));
    expect(hostOf(places)).toEqual(['host-a']);
  });

  it('forgets what its host has no more, and what was deleted here', () => {
    const places = new Places('host-a');
    places.load([{ ...shop(7), host: 'host-b' }]);
    places.hear('host-b', []);
    places.hold(shop(1));
    expect(hostOf(places)).toEqual(['host-a']);
    expect(places.release('shop')).toBe(true);
    expect(places.release('shop')).toBe(false);
    expect(places.all()).toEqual([]);
  });
});
