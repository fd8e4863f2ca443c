import { describe, expect, it } from '@jest/globals';
import { describeError } from '../../../src/cli/print-error.ts';
import { UsageError } from '../../../src/cli/usage.ts';
import { CmigError, fromFault } from '../../../src/core/errors.ts';

const textOf = (error: unknown) => describeError(error).text.split('\n').slice(0, -1);

describe('an error as text', () => {
  it('says every problem with its place, then what to do', () => {
    const error = new CmigError('invalid', 'shop.yaml is wrong', {
      problems: [
        { where: 'shop.yaml:3:5', message: 'unknown key "nam"', hint: 'did you mean "name"?' },
        { message: 'no image' },
      ],
      warnings: [{ where: 'time', message: 'two clocks are apart', hint: 'set them' }],
      hint: 'see cmig explain application',
    });
    expect(textOf(error)).toEqual([
      'error: shop.yaml is wrong',
      '  shop.yaml:3:5: unknown key "nam" (did you mean "name"?)',
      '  no image',
      'warning: two clocks are apart (set them)',
      'hint: see cmig explain application',
    ]);
    expect(describeError(error).exitCode).toBe(2);
  });

  it('shows a failed program down the chain of causes, as it may be pasted', () => {
    const error = fromFault({
      code: 'rolled-back',
      message: 'the move of shop failed and was undone',
      host: 'host-a',
      cause: {
        code: 'tool-failed',
        message: 'runc could not checkpoint shop.db',
        host: 'host-a',
        hint: 'see the log',
        tool: {
          argv: ['runc', 'checkpoint', "it's", 'a b'],
          exitCode: 1,
          output: ['Error (criu/tty.c): no', 'end'],
        },
      },
    });
    expect(textOf(error)).toEqual([
      'error: the move of shop failed and was undone (host host-a)',
      '  because: runc could not checkpoint shop.db (host host-a)',
      "  command: runc checkpoint 'it'\\''s' 'a b' (exit code 1)",
      '  | Error (criu/tty.c): no',
      '  | end',
      'hint: see the log',
    ]);
    expect(describeError(error).exitCode).toBe(6);
  });

  it('ends wrong usage with one line of usage', () => {
    expect(textOf(new UsageError('too many', 'cmig version [options]', 'less'))).toEqual([
      'error: too many',
      'hint: less',
      'usage: cmig version [options]',
    ]);
  });

  it('does not let what came from elsewhere steer the terminal', () => {
    const { text } = describeError(new CmigError('failed', 'a\u001b[2Jb\u0007c\rd\u001b'));
    expect(text).toBe('error: ab?c?d?\n');
  });

  it('takes anything that can be thrown', () => {
    expect(describeError('just a text')).toEqual({ text: 'error: just a text\n', exitCode: 1 });
    expect(describeError(undefined).exitCode).toBe(1);
    expect(textOf(new Error('outer', { cause: new Error('inner') }))).toEqual([
      'error: outer',
      '  because: inner',
    ]);
  });
});

describe('an error as JSON', () => {
  it('is one line with the whole fault', () => {
    const { text, exitCode } = describeError(
      new CmigError('not-found', 'there is no application "shp"', { hint: 'did you mean "shop"?' }),
      { json: true },
    );
    expect(text.split('\n')).toHaveLength(2);
    expect(JSON.parse(text)).toEqual({
      error: { code: 'not-found', message: 'there is no application "shp"', hint: 'did you mean "shop"?' },
    });
    expect(exitCode).toBe(3);
  });
});
