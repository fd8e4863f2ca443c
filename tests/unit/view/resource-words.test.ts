// The ways of naming resources, as kubectl has them.
import { describe, expect, it } from '@jest/globals';
import { parseResourceWords } from '../../../src/view/resource-words.ts';

describe('parseResourceWords', () => {
  it('knows kinds by every name', () => {
    for (const word of ['app', 'apps', 'application', 'Applications']) {
      expect(parseResourceWords(word, ['shop'])).toEqual([{ plural: 'applications', names: ['shop'] }]);
    }
    expect(parseResourceWords('all', []).map(({ plural }) => plural)).toEqual([
      'applications',
      'hosts',
      'checkpoints',
      'images',
      'migrations',
    ]);
  });

  it('gathers KIND/NAME words by kind', () => {
    expect(parseResourceWords('app/shop', ['host/host-a', 'apps/blog', 'app/shop'])).toEqual([
      { plural: 'applications', names: ['shop', 'blog'] },
      { plural: 'hosts', names: ['host-a'] },
    ]);
  });

  it('says what may have been meant', () => {
    expect(() => parseResourceWords('hsots', [])).toThrow(
      expect.objectContaining({ hint: 'did you mean "hosts"?' }),
    );
    expect(() => parseResourceWords('apps', ['host/host-a'])).toThrow('follows the kind');
    expect(() => parseResourceWords('app/', [])).toThrow('is not KIND/NAME');
    expect(() => parseResourceWords('apps,hosts', ['x'])).toThrow('several kinds');
  });
});
