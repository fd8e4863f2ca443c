// The layout of `describe`.
import { describe, expect, it } from '@jest/globals';
import { layOutDescription } from '../../../src/view/description.ts';

describe('layOutDescription', () => {
  it('aligns values, nests sections, leaves out what is undefined and says what is empty', () => {
    expect(
      layOutDescription([
        ['Name', 'shop'],
        ['Message', undefined],
        ['Labels', ['tier=web', 'env=prod']],
        ['Volumes', []],
        ['Containers', [['web', [['State', 'Running']]]]],
      ]),
    ).toEqual([
      'Name:     shop',
      'Labels:   tier=web',
      '          env=prod',
      'Volumes:  <none>',
      'Containers:',
      '  web:',
      '    State:  Running',
    ]);
  });
});
