// The hosts' own addresses among the applications.
import { expect, it } from '@jest/globals';
import { chooseHostAddress, hostAddresses, hostMac } from '../../../../agent/network/host-addresses.ts';

it('are the last of the range, without that of the broadcast', () => {
  expect(hostAddresses('10.77.0.0/17')).toHaveLength(254);
  expect(hostAddresses('10.77.0.0/17').at(0)).toBe('10.77.127.1');
  expect(hostAddresses('10.77.0.0/17').at(-1)).toBe('10.77.127.254');
  expect(hostAddresses('192.168.5.0/24').at(0)).toBe('192.168.5.192');
  expect(() => hostAddresses('10.77.0.0')).toThrow(expect.objectContaining({ code: 'invalid' }));
});

it('follow from the name until somebody has them', () => {
  const first = chooseHostAddress('10.77.0.0/28', 'host-a', new Set());
  expect(chooseHostAddress('10.77.0.0/28', 'host-a', new Set())).toBe(first);
  const taken = new Set(hostAddresses('10.77.0.0/28').filter((address) => address !== '10.77.0.13'));
  expect(chooseHostAddress('10.77.0.0/28', 'host-a', taken)).toBe('10.77.0.13');
  expect(() => chooseHostAddress('10.77.0.0/28', 'host-a', new Set([...taken, '10.77.0.13']))).toThrow(
    expect.objectContaining({ code: 'conflict' }),
  );
  expect(hostMac('10.77.127.9')).toBe('02:6d:0a:4d:7f:09');
});
