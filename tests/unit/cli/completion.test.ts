import { describe, expect, it } from '@jest/globals';
import { commands } from '../../../src/cli/commands.ts';
import { offer } from '../../../src/cli/completion.ts';

const wordsOf = (...words: string[]) => offer(words, commands).candidates.map(({ word }) => word);

describe('what is offered for a word', () => {
  it('commands, and below them theirs', () => {
    expect(wordsOf('de')).toEqual(['delete', 'describe']);
    expect(wordsOf('config', 'use')).toEqual(['use-context']);
    expect(wordsOf('')).not.toContain('__complete');
    expect(wordsOf('nonsense', '')).toEqual([]);
  });

  it('options, and the values that they accept', () => {
    expect(wordsOf('migrate', 'shop', '--st')).toEqual(['--strategy']);
    expect(wordsOf('migrate', 'shop', '--strategy', 'stop')).toEqual(['stop-and-copy']);
    expect(offer(['get', 'apps', '--output=j'], commands)).toMatchObject({
      prefix: '--output=',
      candidates: [{ word: 'json' }, { word: 'jsonpath=' }],
    });
  });

  it('what has to be asked for, with what was said before', () => {
    expect(offer(['--context', 'prod', 'migrate', 'shop', 'host'], commands)).toMatchObject({
      completes: 'host',
      options: { context: 'prod' },
    });
    expect(offer(['get', '-w', 'mig', ''], commands)).toMatchObject({
      completes: 'name-of-kind',
      given: ['mig'],
    });
    expect(offer(['lab', 'exec', '--name', 'two', ''], commands)).toMatchObject({
      completes: 'lab-host',
      options: { name: 'two' },
    });
    expect(offer(['apply', '-f', ''], commands).completes).toBe('file');
    expect(offer(['delete', 'a', 'b', ''], commands).completes).toBe('application');
    // Its first word is an application, or one of its own commands.
    expect(offer(['checkpoint', ''], commands).completes).toBe('application');
    expect(offer(['checkpoint', 'export', ''], commands).completes).toBe('checkpoint');
  });

  it('nothing within the words of another program', () => {
    expect(wordsOf('exec', 'shop', '--', 'de')).toEqual([]);
    expect(offer(['exec', 'shop', '--', ''], commands).completes).toBeUndefined();
  });
});
