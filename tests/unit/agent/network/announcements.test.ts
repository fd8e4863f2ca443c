// An address is told several times, since one message may be lost, but never once it is somewhere else.
import { expect, it } from '@jest/globals';
import { Announcements } from '../../../../agent/network/announcements.ts';
import { waitFor } from '../../../../src/core/retry.ts';

it('tells an address again and again, until there is another one, or none', async () => {
  const told: string[] = [];
  const announcements = new Announcements(async (application, address) => {
    told.push(`${application} ${address}`);
  });
  await announcements.begin('shop', '10.0.0.1');
  await announcements.begin('gone', '10.0.0.9');
  await announcements.begin('shop', '10.0.0.2');
  announcements.end('gone');
  expect(told).toEqual(['shop 10.0.0.1', 'gone 10.0.0.9', 'shop 10.0.0.2']);
  await waitFor(() => told.length === 6, { timeoutMs: 10_000, what: 'the repetition' });
  expect(told.slice(3)).toEqual(['shop 10.0.0.2', 'shop 10.0.0.2', 'shop 10.0.0.2']);
});
