// What a misspelt name may have meant.
import { describe, expect, it } from '@jest/globals';
import { didYouMean, editDistance, nearNames } from '../../../src/core/near-names.ts';

describe('near names', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['host-a', 'host-b', 1],
    ['sohp', 'shop', 1],
    ['abc', 'cab', 2],
  ])('%p and %p are %d apart', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  it('are few, near, and nearest first', () => {
    expect(nearNames('shp', ['web', 'shop', 'ship', 'shops'])).toEqual(['ship', 'shop']);
    expect(nearNames('HOST', ['host-a', 'host-b', 'host-c', 'host-d'])).toHaveLength(3);
    expect(nearNames('x', ['y', 'z'])).toEqual([]);
    expect(nearNames('x'.repeat(1e6), ['y'.repeat(100)])).toEqual([]);
  });

  it('are put as a question', () => {
    expect(didYouMean('shp', ['shop'])).toBe('did you mean "shop"?');
    expect(didYouMean('shp', ['shop', 'ship'])).toBe('did you mean "ship" or "shop"?');
    expect(didYouMean('shp', ['web'])).toBeUndefined();
  });
});
