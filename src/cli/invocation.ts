// What a handler gets: the words of one call, checked against what its command declares.
import { CmigError } from '../core/errors.ts';
import { parseDurationMs } from '../core/units.ts';
import type { ArgumentSpec, Choice, CommandSpec, Invocation, OutputFormat } from './command.ts';
import { kindNamed } from './declarations/kinds.ts';
import { optionName, optionsOf, UsageError, unknownWord, usageOf } from './usage.ts';

type Value = string | boolean | string[] | undefined;

export interface RawCall {
  path: string;
  command: CommandSpec;
  /** In the order of the command's arguments; the last one is an array where it is variadic. */
  arguments: readonly Value[];
  /** By long name. */
  options: Readonly<Record<string, Value>>;
}

export interface Surroundings {
  stdin: Invocation['stdin'];
  stdout: Invocation['stdout'];
  stderr: Invocation['stderr'];
  color: boolean;
  /** Called once, when the command first asks for the signal. */
  takeSignals: () => AbortSignal;
}

/** @throws UsageError where a word is not what the command declares. */
export function createInvocation(call: RawCall, around: Surroundings): Invocation {
  const values = checkedValues(call);
  const given = (name: string): Value => {
    if (!values.has(name)) throw new Error(`${call.path} declares no "${name}"`);
    return values.get(name);
  };
  const text = (name: string): string | undefined => {
    const value = given(name);
    return typeof value === 'string' ? value : undefined;
  };
  let signal: AbortSignal | undefined;
  const [format, expression = ''] = values.has('output') ? (text('output') ?? '').split(/=(.*)/s) : [];
  return {
    path: call.path,
    context: text('context'),
    output: (format || undefined) as OutputFormat | undefined,
    outputExpression: expression,
    text,
    required(name) {
      const value = text(name);
      if (value === undefined) throw new Error(`${call.path} does not demand "${name}"`);
      return value;
    },
    texts(name) {
      const value = given(name);
      return Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
    },
    flag: (name) => given(name) === true,
    integer(name) {
      const value = text(name);
      return value === undefined ? undefined : Number(value);
    },
    durationMs(name) {
      const value = text(name);
      return value === undefined ? undefined : parseDurationMs(value);
    },
    get stdin() {
      return around.stdin;
    },
    get stdout() {
      return around.stdout;
    },
    get stderr() {
      return around.stderr;
    },
    get interactive() {
      return around.stdout.isTTY === true;
    },
    get attended() {
      return this.interactive && around.stdin.isTTY === true;
    },
    color: around.color,
    get signal() {
      signal ??= around.takeSignals();
      return signal;
    },
    print: (line) => void around.stdout.write(`${line}\n`),
    notice: (line) => void around.stderr.write(`${line}\n`),
    printJson: (value) => void around.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
  };
}

function checkedValues(call: RawCall): Map<string, Value> {
  const usage = usageOf(call.path, call.command);
  const values = new Map<string, Value>();
  for (const [argument, word] of givenArguments(call, usage)) {
    let value = word;
    if (argument.completes === 'application' || argument.completes === 'host')
      value = each(
        withoutKindBefore(value, argument.completes, call.options.selector !== undefined),
        withoutKind[argument.completes],
      );
    if (argument.choices && !argument.open)
      value = each(value, (word) => chosen(argument.name, word, argument.choices!, usage));
    values.set(argument.name, value);
  }
  for (const option of optionsOf(call.command)) {
    const name = optionName(option);
    let value = call.options[name];
    if (option.choices) value = each(value, (word) => chosen(`--${name}`, word, option.choices!, usage));
    if (option.value) each(value, (word) => checked(name, word, option.value!, usage));
    values.set(name, value);
  }
  return values;
}

/** Each argument with its word, where an option may stand in for one of them. @throws UsageError */
function givenArguments(
  { command, arguments: words, options }: RawCall,
  usage: string,
): readonly (readonly [ArgumentSpec, Value])[] {
  const all = command.arguments ?? [];
  if (!all.some(({ unless }) => unless)) return all.map((argument, index) => [argument, words[index]]);
  const isGiven = ({ unless }: ArgumentSpec): boolean => !unless || options[unless] === undefined;
  const taken = all.filter(isGiven);
  const missing = taken.find(({ optional }, index) => !optional && words[index] === undefined);
  if (missing) throw new UsageError(`the argument ${missing.name} is missing`, usage);
  const given = words.filter((word) => word !== undefined).length;
  if (given > taken.length)
    throw new UsageError(`too many arguments: ${given} instead of ${taken.length}`, usage);
  return all.map((argument) => [argument, isGiven(argument) ? words[taken.indexOf(argument)] : undefined]);
}

const each = (value: Value, change: (word: string) => string): Value =>
  Array.isArray(value) ? value.map(change) : typeof value === 'string' ? change(value) : value;

/** `application/shop`, as `-o name` prints it, is `shop`. */
const withoutKind = {
  application: (word: string): string => word.replace(/^(app|apps|application|applications)\//, ''),
  host: (word: string): string => word.replace(/^hosts?\//, ''),
};

/** `app shop` and `apps -l tier=web`, as kubectl's users write it, are `shop` and `-l tier=web`. */
const withoutKindBefore = (value: Value, kind: 'application' | 'host', selected: boolean): Value =>
  Array.isArray(value) && (value.length > 1 || selected) && kindNamed(value[0] ?? '') === `${kind}s`
    ? value.slice(1)
    : value;

function chosen(what: string, word: string, choices: readonly Choice[], usage: string): string {
  for (const { name, aliases, takes } of choices) {
    if (takes && word.startsWith(`${name}=`) && word.length > name.length + 1) return word;
    if (takes && (word === name || word === `${name}=`))
      throw new UsageError(`${what} ${name} needs its ${takes}`, usage, `write it as ${name}='…'`);
    if (name === word || aliases?.includes(word)) return name;
  }
  throw unknownWord(
    what,
    word,
    choices.map(({ name }) => name),
    usage,
  );
}

function checked(name: string, word: string, kind: 'integer' | 'duration', usage: string): string {
  if (kind === 'integer' && !/^[0-9]{1,15}$/.test(word))
    throw new UsageError(`--${name} takes a whole number, not "${word}"`, usage);
  if (kind === 'duration') {
    try {
      parseDurationMs(word);
    } catch (error) {
      throw new UsageError(
        `--${name}: ${(error as Error).message}`,
        usage,
        error instanceof CmigError ? error.hint : undefined,
      );
    }
  }
  return word;
}
