// A few thousand of the messages of `npm run test:fuzz`, in every run, and the same ones: new ones are looked for there.
import { describe, it } from '@jest/globals';
import { expectUnharmed } from '../fuzz/unharmed.ts';

describe('an agent', () => {
  it(
    'survives generated messages, each answered as it must be',
    () => expectUnharmed(2000, 1743332974),
    180_000,
  );
});
