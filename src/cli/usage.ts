// Usage lines and wrong usage: one error, one suggestion, one line of usage.
import { CmigError } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import {
  type ArgumentSpec,
  type Choice,
  type CommandSpec,
  isGroup,
  type OptionSpec,
  outputExpressions,
} from './command.ts';

/** The options of every command. */
export const globalOptions: readonly OptionSpec[] = [
  {
    flags: '--context <NAME>',
    summary: 'talk to this context instead of the current one',
    completes: 'context',
  },
  { flags: '--no-color', summary: 'no colour (as does NO_COLOR in the environment)' },
  { flags: '-h, --help', summary: 'this help' },
];

/** The option that a command with output formats takes. */
export function outputOption(command: CommandSpec): OptionSpec | undefined {
  if (!command.output || command.output.length === 0) return undefined;
  const choices = command.output.map((name): Choice => {
    const takes = outputExpressions[name];
    return { name, ...(takes ? { takes } : {}) };
  });
  return {
    flags: '-o, --output <FORMAT>',
    summary: `print as ${choices.map(choiceText).join(', ')}`,
    choices,
  };
}

/** A choice as help shows it: `json`, `jsonpath=TEMPLATE`. */
export const choiceText = ({ name, takes }: Choice): string => (takes ? `${name}=${takes}` : name);

/** `container` of `-c, --container <CTR>`. */
export const optionName = (option: OptionSpec): string => /--([a-z0-9-]+)/.exec(option.flags)![1]!;

/** All options of a command in the order that help shows them. */
export function optionsOf(command: CommandSpec): OptionSpec[] {
  const output = isGroup(command) ? undefined : outputOption(command);
  return [...(command.options ?? []), ...(output ? [output] : []), ...globalOptions];
}

const argumentUsage = ({ name, optional, variadic }: ArgumentSpec): string => {
  const word = variadic ? `${name}...` : name;
  return optional ? `[${word}]` : word;
};

/** `cmig logs APP [options]`. */
export function usageOf(path: string, command: CommandSpec): string {
  if (isGroup(command)) return `${path} COMMAND [options]`;
  const words = (command.arguments ?? []).map(argumentUsage);
  const program = words.at(-1) === 'CMD...' ? ['--', words.pop()!] : [];
  return [path, ...words, '[options]', ...program].join(' ');
}

/** Wrong usage: exit code 2, with the usage of the command as the last line. */
export class UsageError extends CmigError {
  readonly usage: string;

  constructor(message: string, usage: string, hint?: string) {
    super('invalid', message, { hint });
    this.name = 'UsageError';
    this.usage = usage;
  }
}

/** A word that should be one of several. */
export function unknownWord(what: string, word: string, known: readonly string[], usage: string): UsageError {
  const near = didYouMean(word, known);
  return new UsageError(`unknown ${what} "${word}"`, usage, near ?? `one of: ${known.join(', ')}`);
}
