// Any message at all: refused with a fault where it is no request, and the agent as it was before.
import { describe, it } from '@jest/globals';
import { expectUnharmed } from './unharmed.ts';

describe('an agent', () => {
  it('survives generated messages, each answered as it must be', () => expectUnharmed(100_000), 3_600_000);
});
