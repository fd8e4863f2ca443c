// A range of applications that takes in what hosts are reached by.
import { expect, it } from '@jest/globals';
import { refuseOverlap } from '../../../../agent/network/range-overlap.ts';

it('names what a range would cut off, and nothing beside it', () => {
  const others = [
    { what: 'the network of eth0', network: '10.80.128.10/24' },
    { what: 'the broker', network: '10.80.255.2' },
    { what: 'host-b', network: 'fd00::1' },
  ];
  expect(() => refuseOverlap('10.80.0.0/17', others)).not.toThrow();
  expect(() => refuseOverlap('10.80.0.0/16', others)).toThrow(
    'network.range 10.80.0.0/16 takes in the network of eth0 (10.80.128.10/24), the broker (10.80.255.2), which would be cut off',
  );
  // The narrower one is the range.
  expect(() => refuseOverlap('10.80.128.64/26', others)).toThrow('eth0');
});
