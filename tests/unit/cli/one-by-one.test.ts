import { expect, it } from '@jest/globals';
import { oneByOne } from '../../../src/cli/one-by-one.ts';
import { CmigError } from '../../../src/core/errors.ts';

it('goes on after one that fails, and begins none after one that is cancelled, which it tells first', async () => {
  const begun: string[] = [];
  const failures = await oneByOne(['a', 'b', 'c', 'd', 'e'], async (name) => {
    begun.push(name);
    if (name === 'a') throw new CmigError('not-found', 'there is no a');
    if (name === 'c') throw new CmigError('cancelled', 'cmig stop was cancelled', { hint: 'host-a goes on' });
  });
  expect(begun).toEqual(['a', 'b', 'c']);
  expect(failures.map(({ code, message, hint }) => [code, message, hint])).toEqual([
    ['cancelled', 'cmig stop was cancelled; not begun: d, e', 'host-a goes on'],
    ['not-found', 'there is no a', undefined],
  ]);
});
