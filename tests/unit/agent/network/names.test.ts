// The names of other applications in a hosts file.
import { expect, it } from '@jest/globals';
import { namesOf, withNames } from '../../../../agent/network/names.ts';

const place = (application: string, address: string) => ({
  application,
  address,
  mac: '02:00:00:00:00:01',
  epoch: 1,
  host: 'host-a',
});

it('stand after what is the application’s own, and give way to newer ones', () => {
  const own = '127.0.0.1 localhost\n10.77.0.10 shop\n';
  const one = withNames(own, namesOf({ places: [place('shop', '10.77.0.10'), place('bank', '10.77.0.11')] }));
  expect(one.startsWith(own)).toBe(true);
  expect(one).toContain('\n10.77.0.11 bank\n');
  const two = withNames(one, namesOf({ places: [place('shop', '10.77.0.10')] }));
  expect(two.startsWith(own)).toBe(true);
  expect(two).not.toContain('bank');
});
