// The tree of commander's commands, made from our data; its errors become ours.
import { Command, CommanderError, Option } from 'commander';
import { didYouMean } from '../core/near-names.ts';
import { type CommandSpec, isGroup } from './command.ts';
import { foreignCommands } from './foreign-commands.ts';
import { commandHelp, rootHelp } from './help.ts';
import type { RawCall } from './invocation.ts';
import { globalOptions, optionName, optionsOf, UsageError, unknownWord, usageOf } from './usage.ts';

/** What the words asked for: a call, or a text to print (help). */
export type Parsed = { call: RawCall } | { text: string };

/** @throws UsageError */
export function parseWords(words: readonly string[], commands: readonly CommandSpec[]): Parsed {
  let parsed: Parsed | undefined;
  const root: CommandSpec = { name: 'cmig', summary: '', subcommands: commands };
  const found = (result: Parsed): void => {
    parsed = result;
  };
  // A command that no word names cannot be the one: leaving the others out saves a fifth of the time of a start.
  const program = build(root, 'cmig', found, new Set(words));
  try {
    program.parse(withoutEquals(words), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (!parsed) throw misspelt(error, words) ?? usageErrorOf(error, words);
  }
  return parsed ?? { text: rootHelp(commands) };
}

/** kubectl takes `-o=json` for `-o json`; commander would take `=json` for the format. */
function withoutEquals(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words.flatMap((word, index) =>
    (end < 0 || index < end) && /^-[A-Za-z]=/.test(word) ? [word.slice(0, 2), word.slice(3)] : [word],
  );
}

/** We print ourselves; and a look at the streams' colours would open both of them, which takes milliseconds. */
const silent = {
  writeOut: () => {},
  writeErr: () => {},
  outputError: () => {},
  getOutHasColors: () => false,
  getErrHasColors: () => false,
  getOutHelpWidth: () => 80,
  getErrHelpWidth: () => 80,
};

function build(
  command: CommandSpec,
  path: string,
  found: (result: Parsed) => void,
  words: ReadonlySet<string>,
): Command {
  const built = new Command(command.name);
  const usage = usageOf(path, command);
  built
    .exitOverride((error) => {
      throw error.code === 'commander.helpDisplayed' ? error : Object.assign(error, { usage, command, path });
    })
    .configureOutput(silent)
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .allowExcessArguments(false)
    .helpCommand(false)
    .helpOption('-h, --help')
    .addHelpText('before', () => {
      found({ text: path === 'cmig' ? rootHelp(command.subcommands!) : commandHelp(path, command) });
      return '';
    });
  if (command.aliases) built.aliases([...command.aliases]);
  for (const option of path === 'cmig' ? globalOptions : optionsOf(command)) {
    if (optionName(option) === 'help') continue;
    const made = new Option(option.flags);
    if (option.repeatable)
      made.argParser((word: string, all: string[] | undefined) => [...(all ?? []), word]);
    if (option.mandatory) made.makeOptionMandatory();
    if (option.default !== undefined) made.default(option.default);
    built.addOption(made);
  }
  for (const sub of command.subcommands ?? [])
    if ([sub.name, ...(sub.aliases ?? [])].some((name) => words.has(name)))
      built.addCommand(build(sub, `${path} ${sub.name}`, found, words));
  if (isGroup(command)) {
    built.argument('[COMMAND...]').action((given: string[]) => {
      const known = command.subcommands!.filter(({ hidden }) => !hidden).map(({ name }) => name);
      if (given[0] !== undefined) throw unknownCommand(path, given[0], known, usage);
      if (path === 'cmig') return found({ text: rootHelp(command.subcommands!) });
      throw new UsageError(`${path} needs a command`, usage, `one of: ${known.join(', ')}`);
    });
    return built;
  }
  // What may be left out is demanded where the invocation is made: commander knows no such thing.
  const demands = !command.arguments?.some(({ unless }) => unless);
  for (const { name, optional, variadic } of command.arguments ?? []) {
    const word = variadic ? `${name}...` : name;
    built.argument(optional || !demands ? `[${word}]` : `<${word}>`);
  }
  return built.action(() => {
    const options: Record<string, string | boolean | string[] | undefined> = {};
    const all = built.optsWithGlobals();
    const own = built.opts();
    for (const option of built.options) {
      const name = option.long!.slice(2);
      const key = option.attributeName();
      options[name] = own[key] ?? all[key];
      if (option.negate) options[name] = own[key] === false || all[key] === false;
    }
    found({ call: { path, command, arguments: built.processedArgs, options } });
  });
}

type Failed = CommanderError & { usage?: string; command?: CommandSpec; path?: string };

/**
 * `cmig host ad --dir x`: it is the word that is wrong, not the option behind it. Where the command stands by itself, too
 * (`cmig checkpoint exprot c1`), only a word that is near to one of its commands is.
 */
function misspelt(
  { usage = '', command, path = '' }: Failed,
  words: readonly string[],
): UsageError | undefined {
  const parents = path.split(' ').slice(1);
  const last = parents.reduce((at, parent) => words.indexOf(parent, at + 1), -1);
  const word = words[last + 1];
  const names = (command?.subcommands ?? []).filter(({ hidden }) => !hidden).map(({ name }) => name);
  if (names.length === 0 || word === undefined || word.startsWith('-')) return undefined;
  if (command!.subcommands!.some(({ name, aliases }) => name === word || aliases?.includes(word)))
    return undefined;
  if (isGroup(command!) || didYouMean(word, names)) return unknownCommand(path, word, names, usage);
  return undefined;
}

function unknownCommand(path: string, word: string, known: readonly string[], usage: string): UsageError {
  if (path !== 'cmig' || !Object.hasOwn(foreignCommands, word))
    return unknownWord('command', word, known, usage);
  const near = foreignCommands[word];
  return new UsageError(`unknown command "${word}"`, usage, `what comes nearest to it here: ${near}`);
}

/** Commander's message, without its prefix, in our words. */
function usageErrorOf(error: Failed, words: readonly string[]): UsageError {
  const usage = error.usage ?? 'cmig COMMAND [options]';
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const near = /Did you mean (?:one of )?(.+)\?/.exec(more.join(' '))?.[1];
  const message = first
    .replace(/^missing required argument '(.+)'$/, 'the argument $1 is missing')
    .replace(/^option '(.+)' argument missing$/, 'the option $1 needs a value')
    .replace(/^required option '(.+)' not specified$/, 'the option $1 is missing')
    .replace(
      /^too many arguments.*?Expected (\d+) arguments? but got (\d+).*$/,
      'too many arguments: $2 instead of $1',
    )
    .replaceAll("'", '"');
  let hint = near && `did you mean ${near}?`;
  if (error.code === 'commander.unknownOption' && usage.includes(' -- '))
    hint ??= 'put -- before the command and its options';
  // `cmig apply shop.yaml`
  const manifest = words.find((word) => /\.(ya?ml|json)$|\/$/.test(word));
  if (error.code === 'commander.missingMandatoryOptionValue' && first.includes('--file') && manifest)
    hint ??= `did you mean -f ${manifest}?`;
  return new UsageError(message, usage, hint);
}
