// Label selectors mean what kubectl's mean.
import { describe, expect, it } from '@jest/globals';
import { parseSelector } from '../../../src/orchestrator/selector.ts';

const labels = { tier: 'web', env: 'prod' };

describe('parseSelector', () => {
  it.each([
    ['tier=web', true],
    ['tier==web,env=prod', true],
    ['tier=web,env=test', false],
    ['tier!=db', true],
    ['zone!=a', true],
    ['zone=a', false],
    ['tier', true],
    ['zone', false],
    ['!zone', true],
    ['!tier', false],
    ['env in (test, prod),tier', true],
    ['env notin (test,prod)', false],
    ['zone notin (a)', true],
    ['constructor', false],
  ])('%s', (text, matches) => expect(parseSelector(text)(labels)).toBe(matches));

  it('shows the term that is not understood', () => {
    expect(() => parseSelector('tier=web,=x')).toThrow('"=x"');
    expect(() => parseSelector('')).toThrow('not understood');
  });
});
