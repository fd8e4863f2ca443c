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
  it('follows a move that the source agrees to, whichever of the two hosts is heard first', () => {
    const places = new Places('host-c');
    places.hear('host-a', [shop(1)]);
    expect(places.hear('host-b', [shop(2)])).toBe(false);
    expect(places.hear('host-a', [{ ...shop(1), to: 'host-b' }])).toBe(true);
    expect(hostOf(places)).toEqual(['host-b']);
    // News of the source that were under way.
    expect(places.hear('host-a', [shop(1)])).toBe(false);
    places.hear('host-a', []);
    expect(hostOf(places)).toEqual(['host-b']);
    // Back again, and the source has nothing left by the time it is heard.
    places.hear('host-a', [shop(3)]);
    expect(hostOf(places)).toEqual(['host-b']);
    places.hear('host-b', []);
    expect(hostOf(places)).toEqual(['host-a']);
    expect(places.disputes()).toEqual([]);
  });

  it('does not believe a host what another one has: neither its name nor its address', () => {
    const places = new Places('host-c');
    places.hear('host-a', [shop(1)]);
    const own = { ...shop(1), application: 'own', address: '10.77.0.11' };
    places.hold(own);
    const lies = [shop(99), { ...shop(99), application: 'other' }, { ...own, epoch: 99 }];
    expect(places.hear('host-b', lies)).toBe(false);
    expect(places.all().map(({ application, host }) => [application, host])).toEqual([
      ['own', 'host-c'],
      ['shop', 'host-a'],
    ]);
    expect(places.disputes().map(({ claim, rival }) => [claim.application, rival.host])).toEqual([
      ['shop', 'host-a'],
      ['other', 'host-a'],
      ['own', 'host-c'],
    ]);
    // It takes it back.
    places.hear('host-b', []);
    expect(places.disputes()).toEqual([]);
  });

  it('believes the newer claim where the other host is lost, also when that comes back', () => {
    const places = new Places('host-c');
    places.hear('host-a', [shop(1)]);
    places.hear('host-b', [shop(2)]);
    expect(places.giveUp('host-a')).toBe(true);
    expect(hostOf(places)).toEqual(['host-b']);
    expect(places.hear('host-a', [shop(1)])).toBe(false);
    expect(hostOf(places)).toEqual(['host-b']);
  });

  it('gives up what it hands over, and takes it back where that did not come about', () => {
    const places = new Places('host-a');
    places.hold(shop(3));
    places.hear('host-b', [shop(4)]);
    expect(places.giveUp('host-a')).toBe(false);
    expect(places.own()).toEqual([shop(3)]);
    expect(places.handOver('shop', 'host-b')).toBe(true);
    expect(places.own()).toEqual([]);
    expect(hostOf(places)).toEqual(['host-b']);
    places.hold(shop(5));
    expect(hostOf(places)).toEqual(['host-a']);
    expect(places.handOver('other', 'host-b')).toBe(false);
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
