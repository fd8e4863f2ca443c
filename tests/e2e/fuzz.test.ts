// A few thousand of the messages of `npm run test:fuzz`, in every run.
import { describe, it } from '@jest/globals';
import { expectUnharmed } from '../fuzz/unharmed.ts';

describe('an agent', () => {
  it('survives generated messages, each answered as it must be', () => expectUnharmed(2000), 180_000);
});
