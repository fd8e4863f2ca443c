import { expect, it } from '@jest/globals';
import { findCheckpoint } from '../../../src/orchestrator/checkpoints.ts';
import { findApplication } from '../../../src/orchestrator/finding.ts';
import { application, inventory } from './inventories.ts';

const refusal = (action: () => unknown) => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

it('says that there is no such thing only where every host has answered', () => {
  const applications = [application('shop')];
  const all = inventory({ applications });
  const some = inventory({ applications, unreachable: ['host-b'] });
  expect(findApplication(some, 'shop').metadata.name).toBe('shop');
  for (const find of [findApplication, findCheckpoint]) {
    expect(refusal(() => find(all, 'other'))).toMatchObject({ code: 'not-found' });
    expect(refusal(() => find(some, 'other'))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('host-b did not answer'),
    });
  }
  expect(refusal(() => findApplication(some, 'shpo'))).toMatchObject({ hint: 'did you mean "shop"?' });
});
