import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Invocation } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands.ts';
import { foreignCommands } from '../../../src/cli/foreign-commands.ts';
import { createInvocation } from '../../../src/cli/invocation.ts';
import { type Parsed, parseWords } from '../../../src/cli/program.ts';
import { UsageError } from '../../../src/cli/usage.ts';

const around = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  color: false,
  takeSignals: () => new AbortController().signal,
};

function callOf(...words: string[]): Invocation {
  const parsed = parseWords(words, commands);
  if (!('call' in parsed)) throw new Error(`a text instead of a call: ${parsed.text}`);
  return createInvocation(parsed.call, around);
}

function refusalOf(...words: string[]): UsageError {
  try {
    callOf(...words);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('words of a call', () => {
  it('takes arguments and options in any order', () => {
    for (const words of [
      ['migrate', 'shop', 'host-b', '--dry-run', '-o', 'json', '--context', 'lab'],
      ['--context', 'lab', 'migrate', '-o', 'json', '--dry-run', 'shop', 'host-b'],
      ['mv', '--context=lab', 'shop', '--output=json', 'host-b', '--dry-run'],
    ]) {
      const call = callOf(...words);
      expect(call.path).toBe('cmig migrate');
      expect([call.required('APP'), call.required('HOST')]).toEqual(['shop', 'host-b']);
      expect([call.flag('dry-run'), call.output, call.context]).toEqual([true, 'json', 'lab']);
    }
  });

  it("leaves a program's own options to the program", () => {
    const call = callOf('exec', 'shop', '-c', 'db', '--', 'ls', '-la', '--', '--context', 'x');
    expect(call.texts('CMD')).toEqual(['ls', '-la', '--', '--context', 'x']);
    expect(call.required('APP')).toBe('shop');
    expect(call.text('container')).toBe('db');
    expect(call.context).toBeUndefined();
  });

  it('lets an option be given more than once where that is meant', () => {
    expect(callOf('apply', '-f', 'a.yaml', '--file', 'b').texts('file')).toEqual(['a.yaml', 'b']);
    expect(callOf('delete', 'a', 'b').texts('APP')).toEqual(['a', 'b']);
  });

  it('takes what `get -o name` prints for a name', () => {
    expect(callOf('logs', 'application/shop').required('APP')).toBe('shop');
    expect(callOf('drain', 'host/host-a').required('HOST')).toBe('host-a');
    expect(callOf('delete', 'app/shop', 'cart').texts('APP')).toEqual(['shop', 'cart']);
  });

  it('leaves out the argument for which an option stands', () => {
    const call = callOf('migrate', '-l', 'tier=web', 'host-b');
    expect([call.text('APP'), call.required('HOST')]).toEqual([undefined, 'host-b']);
    expect(refusalOf('migrate', '-l', 'tier=web').message).toBe('the argument HOST is missing');
    expect(refusalOf('migrate', '-l', 'tier=web', 'shop', 'host-b').message).toBe(
      'too many arguments: 2 instead of 1',
    );
    expect(refusalOf('migrate', 'shop', 'host-b', 'host-c').message).toContain('too many arguments');
  });

  it('tells of a name that the command does not declare', () => {
    expect(() => callOf('version').text('nonsense')).toThrow('cmig version declares no "nonsense"');
  });

  it('takes a format with what belongs to it, and kubectl’s way to write a short option', () => {
    for (const words of [['-o', 'jsonpath={.a=b}'], ['-o=jsonpath={.a=b}'], ['--output=jsonpath={.a=b}']]) {
      const { output, outputExpression } = callOf('get', 'apps', ...words);
      expect([output, outputExpression]).toEqual(['jsonpath', '{.a=b}']);
    }
    expect(callOf('get', 'apps', '-o=json').output).toBe('json');
    expect(callOf('exec', 'shop', '--', 'ls', '-w=3').texts('CMD')).toEqual(['ls', '-w=3']);
    expect(refusalOf('get', 'apps', '-o', 'jsonpath').message).toBe('--output jsonpath needs its TEMPLATE');
    expect(refusalOf('get', 'apps', '-o', 'json=x').message).toBe('unknown --output "json=x"');
  });

  it('takes KIND NAME where a list of applications is wanted, as kubectl does', () => {
    expect(callOf('delete', 'app', 'shop').texts('APP')).toEqual(['shop']);
    expect(callOf('stop', 'applications', 'shop', 'cart').texts('APP')).toEqual(['shop', 'cart']);
    expect(callOf('delete', 'apps', '-l', 'tier=web').texts('APP')).toEqual([]);
    expect(callOf('delete', 'app').texts('APP')).toEqual(['app']);
  });

  it('takes numbers and durations only where they are ones', () => {
    expect(callOf('logs', 'shop', '--tail', '20').integer('tail')).toBe(20);
    expect(callOf('stop', 'shop', '--timeout', '1.5s').durationMs('timeout')).toBe(1500);
    expect(refusalOf('logs', 'shop', '--tail', '-1').message).toBe('--tail takes a whole number, not "-1"');
    expect(refusalOf('stop', 'shop', '--timeout', '5').message).toBe('--timeout: "5" is not a duration');
  });
});

describe('wrong words', () => {
  it.each([
    [['gte'], 'unknown command "gte"', 'did you mean "get"?', 'cmig COMMAND [options]'],
    [
      ['operator', 'ad', 'ann', '--role', 'viewer'],
      'unknown command "ad"',
      'did you mean "add"?',
      'cmig operator COMMAND [options]',
    ],
    [
      ['checkpoint', 'imprt', 'file', '--host', 'a'],
      'unknown command "imprt"',
      'did you mean "import"?',
      'cmig checkpoint APP [options]',
    ],
    [
      ['checkpoint', 'a', 'b'],
      'too many arguments: 2 instead of 1',
      undefined,
      'cmig checkpoint APP [options]',
    ],
    [['lab', 'satus'], 'unknown command "satus"', 'did you mean "status"?', 'cmig lab COMMAND [options]'],
    [
      ['migrate', 'a', 'b', '--stratgy', 'auto'],
      'unknown option "--stratgy"',
      'did you mean --strategy?',
      'cmig migrate APP HOST [options]',
    ],
    [
      ['migrate', 'a', 'b', '--strategy', 'stop-and-cpy'],
      'unknown --strategy "stop-and-cpy"',
      'did you mean "stop-and-copy"?',
      'cmig migrate APP HOST [options]',
    ],
    [
      ['restart', 'shop'],
      'unknown command "restart"',
      'what comes nearest to it here: cmig stop APP, then cmig start APP',
      'cmig COMMAND [options]',
    ],
    [
      ['apply', '--wait', 'shop.yaml'],
      'the option -f, --file <FILE> is missing',
      'did you mean -f shop.yaml?',
      'cmig apply [options]',
    ],
    [['apply'], 'the option -f, --file <FILE> is missing', undefined, 'cmig apply [options]'],
    [['apply', '-f'], 'the option -f, --file <FILE> needs a value', undefined, 'cmig apply [options]'],
    [['migrate', 'a'], 'the argument HOST is missing', undefined, 'cmig migrate APP HOST [options]'],
    [['version', 'x'], 'too many arguments: 1 instead of 0', undefined, 'cmig version [options]'],
    [
      ['exec', 'shop', 'ls', '-la'],
      'unknown option "-la"',
      'put -- before the command and its options',
      'cmig exec APP [options] -- CMD...',
    ],
    [['version', '-o', 'jsn'], 'unknown --output "jsn"', 'did you mean "json"?', 'cmig version [options]'],
    [['lab'], 'cmig lab needs a command', expect.stringContaining('up, down'), 'cmig lab COMMAND [options]'],
  ])('%j', (words, message, hint, usage) => {
    const refusal = refusalOf(...words);
    expect([refusal.message, refusal.hint, refusal.usage]).toEqual([message, hint, usage]);
    expect(refusal.code).toBe('invalid');
  });

  it('of kubectl and docker are only those that are none here', () => {
    const own = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(Object.keys(foreignCommands).filter((word) => own.includes(word))).toEqual([]);
  });

  it('are never worse than wrong usage', () => {
    const word = fc.oneof(
      fc.constantFrom('get', 'lab', 'exec', 'apps', '--', '-o', 'json', '--context', '-h', '--no-color', ''),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        try {
          const parsed: Parsed = parseWords(words, commands);
          if ('call' in parsed) createInvocation(parsed.call, around);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe('help', () => {
  const textOf = (...words: string[]): string => {
    const parsed = parseWords(words, commands);
    if (!('text' in parsed)) throw new Error('a call instead of a text');
    return parsed.text;
  };

  it('names every command and exit code', () => {
    const text = textOf('--help');
    for (const { name, hidden } of commands)
      if (!hidden) expect(text).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(text).toMatch(/^ {2}130 +cancelled/m);
    expect(text).not.toContain('__complete');
    expect(textOf()).toBe(text);
  });

  it('says of a command what it takes, whatever else is wrong', () => {
    expect(textOf('migrate', '-h')).toContain('Usage: cmig migrate APP HOST [options]');
    expect(textOf('lab', 'shape', 'host-a', '--help')).toContain('cmig lab shape host-b --rate 100mbit');
  });
});

describe('the registry', () => {
  const all = commands.flatMap((command) => [
    ...(command.load ? [command] : []),
    ...(command.subcommands ?? []),
  ]);

  it('has an example of every command', () => {
    const without = all.filter(({ hidden, examples = [] }) => !hidden && examples.length === 0);
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  it('loads a handler for every command', async () => {
    for (const { name, load } of all) {
      if (!load) throw new Error(`${name} has no handler`);
      expect([name, typeof (await load())]).toEqual([name, 'function']);
    }
  });
});
