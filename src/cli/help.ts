// What `--help` prints, made from the commands' data.
import { exitCodeMeanings } from '../core/exit-codes.ts';
import { type CommandSpec, commandGroups, type OptionSpec } from './command.ts';
import { choiceText, globalOptions, optionsOf, usageOf } from './usage.ts';

/** `cmig --help`: the commands by group, the global options, the exit codes. */
export function rootHelp(commands: readonly CommandSpec[]): string {
  const groups = commandGroups.flatMap((group) => {
    const rows = commands.filter((command) => command.group === group && !command.hidden);
    return rows.length === 0 ? [] : [section(group, rows.map(commandRow))];
  });
  const codes = Object.entries(exitCodeMeanings).map(([code, meaning]) => [code, meaning] as const);
  return [
    'cmig moves running applications between Linux hosts, with their memory, files and TCP connections.\n',
    'Usage: cmig COMMAND [options]\n',
    ...groups,
    section('Options of every command', globalOptions.map(optionRow)),
    section('Exit codes', codes),
    'Run "cmig COMMAND --help" for what a command takes, with examples.\n',
  ].join('\n');
}

/** `cmig COMMAND --help`. */
export function commandHelp(path: string, command: CommandSpec): string {
  const parts = [`${capitalised(command.summary)}.\n`, `Usage: ${usageOf(path, command)}\n`];
  if (command.description) parts.push(`${command.description}\n`);
  if (command.aliases) parts.push(`Also called: ${command.aliases.join(', ')}\n`);
  const shown = command.subcommands?.filter(({ hidden }) => !hidden) ?? [];
  if (shown.length > 0) parts.push(section('Commands', shown.map(commandRow)));
  const words = (command.arguments ?? []).map(({ name, summary, choices }) => {
    const names = choices?.map(({ name, aliases = [] }) => [name, ...aliases.filter(isLower)].join('|'));
    return [name, names ? `${summary}: ${names.join(', ')}` : summary] as const;
  });
  if (words.length > 0) parts.push(section('Arguments', words));
  parts.push(section('Options', optionsOf(command).map(optionRow)));
  if (command.examples && command.examples.length > 0)
    parts.push(
      `Examples:\n${command.examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}\n`).join('\n')}`,
    );
  return parts.join('\n');
}

type Row = readonly [string, string];

const commandRow = ({ name, summary }: CommandSpec): Row => [name, summary];

function optionRow({ flags, summary, choices, default: initial, repeatable }: OptionSpec): Row {
  const names = choices?.map(choiceText).join(', ');
  const notes = [
    names && !summary.includes(names) ? `one of ${names}` : '',
    initial === undefined ? '' : `${initial} if absent`,
    repeatable ? 'may be given several times' : '',
  ].filter(Boolean);
  return [
    flags.startsWith('--') ? `    ${flags}` : flags,
    notes.length > 0 ? `${summary} (${notes.join('; ')})` : summary,
  ];
}

/** `Application` is understood, since manifests spell it so, but needs no mention. */
const isLower = (text: string): boolean => text === text.toLowerCase();

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function section(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 3;
  const indent = ' '.repeat(width + 2);
  return `${title}:\n${rows.map(([left, right]) => `  ${left.padEnd(width)}${wrapped(right, 108 - width, indent)}\n`).join('')}`;
}

function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join(`\n${indent}`);
}
