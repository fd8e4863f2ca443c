// What may stand in place of the word that is being typed: pure, from the commands' data.
import { type Choice, type CommandSpec, type Completion, isGroup, type OptionSpec } from './command.ts';
import { optionName, optionsOf } from './usage.ts';

export interface Candidate {
  word: string;
  summary?: string;
}

/** Words that are known, and names that must be asked for. */
export interface Offer {
  candidates: Candidate[];
  completes?: Completion;
  /** The arguments given so far, for `name-of-kind`. */
  given: string[];
  /** Options given so far that a lookup needs: the context, the lab. */
  options: Record<string, string>;
  /** What stands before the word that is completed: `--for=`. */
  prefix: string;
  /** The word, without that. */
  word: string;
}

/** @param words those after `cmig`, the last one unfinished (empty where the cursor stands after a blank). */
export function offer(words: readonly string[], commands: readonly CommandSpec[]): Offer {
  const result: Offer = { candidates: [], given: [], options: {}, prefix: '', word: words.at(-1) ?? '' };
  let command: CommandSpec = { name: 'cmig', summary: '', subcommands: commands };
  let awaited: OptionSpec | undefined;
  for (const word of words.slice(0, -1)) {
    if (awaited) {
      result.options[optionName(awaited)] = word;
      awaited = undefined;
    } else if (word === '--') {
      return result; // the words of a program that is not ours
    } else if (word.startsWith('-')) {
      const [flag, value] = word.split(/=(.*)/s);
      const option = findOption(command, flag!);
      if (!option || !takesValue(option)) continue;
      if (value === undefined) awaited = option;
      else result.options[optionName(option)] = value;
    } else {
      const next =
        result.given.length === 0
          ? command.subcommands?.find(({ name, aliases }) => name === word || aliases?.includes(word))
          : undefined;
      if (next) command = next;
      else if (isGroup(command)) return result;
      else result.given.push(word);
    }
  }
  if (awaited) return offerValue(result, awaited);
  if (result.word.startsWith('-')) return offerOptions(result, command);
  if (isGroup(command)) {
    const shown = command.subcommands!.filter(({ hidden }) => !hidden);
    return fitting(
      result,
      shown.map(({ name, summary }) => ({ word: name, summary })),
    );
  }
  const list = (command.arguments ?? []).filter(
    ({ unless }) => !unless || result.options[unless] === undefined,
  );
  const last = list.at(-1);
  const argument = list[result.given.length] ?? (last?.variadic ? last : undefined);
  return argument ? offerValue(result, argument) : result;
}

function offerOptions(result: Offer, command: CommandSpec): Offer {
  const [flag, value] = result.word.split(/=(.*)/s);
  if (value !== undefined) {
    const option = findOption(command, flag!);
    return option ? offerValue({ ...result, prefix: `${flag}=`, word: value }, option) : result;
  }
  return fitting(
    result,
    optionsOf(command).map((option) => ({ word: `--${optionName(option)}`, summary: option.summary })),
  );
}

function offerValue(result: Offer, source: { choices?: readonly Choice[]; completes?: Completion }): Offer {
  const choices = (source.choices ?? []).map(({ name, takes }) => ({ word: takes ? `${name}=` : name }));
  return { ...fitting(result, choices), ...(source.completes ? { completes: source.completes } : {}) };
}

/** The candidates that begin as the word does. */
export const fitting = (result: Offer, candidates: readonly Candidate[]): Offer => ({
  ...result,
  candidates: candidates.filter(({ word }) => word.startsWith(result.word)),
});

const takesValue = (option: OptionSpec): boolean => /[<[]/.test(option.flags);

const findOption = (command: CommandSpec, flag: string): OptionSpec | undefined =>
  optionsOf(command).find(({ flags }) => flags.split(/[ ,]+/).includes(flag));
