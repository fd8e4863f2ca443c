// Between which hosts the overlay is encrypted.
import { expect, it } from '@jest/globals';
import { isEncrypted } from '../../../../agent/network/encryption.ts';

const at = (site?: string) => ({ labels: site ? { site } : {} });

it('is between hosts of different sites, unless all or nothing is asked for', () => {
  expect(isEncrypted(undefined, at('aws'), at('azure'))).toBe(true);
  expect(isEncrypted('between-sites', at('aws'), at('aws'))).toBe(false);
  // Who does not say where it is may be anywhere.
  expect(isEncrypted(undefined, at('aws'), at())).toBe(true);
  expect(isEncrypted('always', at('aws'), at('aws'))).toBe(true);
  expect(isEncrypted('never', at('aws'), at('azure'))).toBe(false);
});
