import { describe, expect, it } from '@jest/globals';
import { glyphs, localeKnowsUnicode, showable } from '../../../src/view/glyphs.ts';
import { sparkline } from '../../../src/view/sparkline.ts';

describe('the locale', () => {
  it('knows Unicode where the first variable that is set says so', () => {
    expect(localeKnowsUnicode({ LANG: 'de_DE.UTF-8' })).toBe(true);
    expect(localeKnowsUnicode({ LANG: 'C.utf8' })).toBe(true);
    expect(localeKnowsUnicode({ LC_ALL: 'C', LANG: 'de_DE.UTF-8' })).toBe(false);
    expect(localeKnowsUnicode({ LC_ALL: '', LC_CTYPE: 'en_US.UTF-8', LANG: 'C' })).toBe(true);
    expect(localeKnowsUnicode({})).toBe(false);
  });

  it('that does not gets nothing beyond ASCII', () => {
    expect(showable('Grüße 🚢', false)).toBe('Gr??e ?');
  });
});

describe('a sparkline', () => {
  it('shows the newest at the right, from the lowest bar to the highest', () => {
    expect(sparkline([9, 0, 0.5, 1], 3, glyphs(true), 1)).toBe('▁▅█');
    expect(sparkline([1, 2], 4, glyphs(true))).toBe('  ▅█');
    expect(sparkline([0, 0], 2, glyphs(true))).toBe('▁▁');
    expect(sparkline([], 3, glyphs(true), 1)).toBe('   ');
  });
});
