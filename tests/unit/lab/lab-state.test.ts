// The choice of a network range that nobody else uses.
import { describe, expect, it } from '@jest/globals';
import { chooseOctet, isOctetFree } from '../../../src/lab/lab-state.ts';

const none: ReadonlySet<number> = new Set();

describe('chooseOctet', () => {
  it('takes the first range where nothing is in the way', () => {
    expect(chooseOctet(['192.168.1.0/24', '10.76.255.255/32', '10.78.0.0/16', '172.17.0.0/16'], none)).toBe(
      77,
    );
  });

  it.each(['10.77.3.4/24', '10.77.0.9/32', '10.77.0.0/16', '10.77.255.1'])('steps aside for %s', (range) => {
    expect(chooseOctet([range], none)).toBe(78);
  });

  it('steps aside for a wider range, and for other labs', () => {
    expect(chooseOctet(['10.64.0.0/12'], none)).toBe(80);
    expect(chooseOctet(['10.64.0.0/12'], new Set([80, 82]))).toBe(81);
  });

  it('says so where a route covers them all', () => {
    expect(isOctetFree(90, ['10.0.0.0/8'], none)).toBe(false);
    expect(() => chooseOctet(['10.0.0.0/8'], none)).toThrow(expect.objectContaining({ code: 'conflict' }));
  });
});
