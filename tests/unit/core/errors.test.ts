// An error is the same one after a journey as a fault.
import { describe, expect, it } from '@jest/globals';
import { faultCodes } from '../../../src/contract/fault.ts';
import { CmigError, codeOf, fromFault, toFault } from '../../../src/core/errors.ts';
import { exitCodeMeanings, exitCodes } from '../../../src/core/exit-codes.ts';

const tool = { argv: ['criu', 'dump'], exitCode: 1, output: ['Error (x.c:1)'] };

describe('errors and faults', () => {
  it('keep all there is to know, through JSON and back', () => {
    const error = new CmigError('rolled-back', 'shop stayed on host-a', {
      hint: 'try again',
      host: 'host-a',
      problems: [{ message: 'no room', where: 'disk' }],
      cause: new CmigError('tool-failed', 'criu failed', { tool, cause: new Error('deep') }),
    });
    const back = fromFault(JSON.parse(JSON.stringify(toFault(error))));
    expect(back).toBeInstanceOf(CmigError);
    expect(toFault(back)).toEqual(toFault(error));
    expect(back).toMatchObject({
      code: 'rolled-back',
      message: 'shop stayed on host-a',
      hint: 'try again',
      host: 'host-a',
      problems: [{ message: 'no room', where: 'disk' }],
      cause: { code: 'tool-failed', tool, cause: { code: 'failed', message: 'deep' } },
    });
  });

  it('do not carry megabytes', () => {
    const text = 'x'.repeat(1e6);
    const problems = Array.from({ length: 1000 }, () => ({ message: text, hint: text, where: text }));
    const error = new CmigError('failed', text, {
      hint: text,
      problems,
      tool: { argv: [text], output: [text] },
    });
    expect(JSON.stringify(toFault(error)).length).toBeLessThan(200_000);
  });

  it('take anything that was thrown', () => {
    expect(toFault('text')).toEqual({ code: 'failed', message: 'text' });
    expect(toFault(undefined)).toEqual({ code: 'failed', message: 'undefined' });
    expect(toFault(new TypeError('bad', { cause: 'why' }), 'host-b')).toEqual({
      code: 'failed',
      message: 'bad',
      host: 'host-b',
      cause: { code: 'failed', message: 'why' },
    });
    expect(codeOf(new Error('x'))).toBe('failed');
  });

  it('name the host where it happened, not the one it passed', () => {
    expect(toFault(new CmigError('failed', 'x', { host: 'host-a' }), 'host-b').host).toBe('host-a');
    expect(toFault(new CmigError('failed', 'x'), 'host-b').host).toBe('host-b');
  });

  it('have an exit code each, and each exit code a meaning', () => {
    expect(Object.keys(exitCodes).sort()).toEqual([...faultCodes].sort());
    for (const code of Object.values(exitCodes)) expect(exitCodeMeanings[code]).toBeDefined();
  });
});
