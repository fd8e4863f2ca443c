// A command is data: what it is called, what it takes, and how its handler is loaded once it is wanted.
import type { Readable, Writable } from 'node:stream';

/** What a shell may offer for a word beyond its choices: names that live somewhere, or files. */
export type Completion =
  | 'application'
  | 'host'
  | 'migration'
  | 'checkpoint'
  /** Of the application that the first argument names. */
  | 'container'
  /** `app/shop`. */
  | 'kind-and-name'
  | 'context'
  | 'lab'
  | 'lab-host'
  | 'event-type'
  /** A path below a kind, for `explain`. */
  | 'field'
  | 'file'
  /** Names of the kind that the first argument tells. */
  | 'name-of-kind';

/** One of the words that an argument or option accepts; aliases are turned into its name. */
export interface Choice {
  name: string;
  aliases?: readonly string[];
  /** What follows it after `=`, as help calls it: `jsonpath=TEMPLATE`. */
  takes?: string;
}

export interface ArgumentSpec {
  /** As help shows it, such as `APP`; the handler asks for it by this name. */
  name: string;
  summary: string;
  /** Must be given unless said otherwise. */
  optional?: true;
  /** Takes all the words that are left. */
  variadic?: true;
  choices?: readonly Choice[];
  /** Other words than the choices are accepted too: the handler checks them. */
  open?: true;
  completes?: Completion;
  /** Not given where this option is, by its long name; the words that are given are then the arguments after it. */
  unless?: string;
}

export interface OptionSpec {
  /** `-c, --container <CTR>`; the handler asks for it by its long name, `container`. */
  flags: string;
  summary: string;
  /** Must be given. */
  mandatory?: true;
  /** May be given several times; the handler asks with `texts`. */
  repeatable?: true;
  /** What the text is checked to be; the handler asks with `integer` or `durationMs`. */
  value?: 'integer' | 'duration';
  choices?: readonly Choice[];
  completes?: Completion;
  default?: string;
}

export const outputFormats = ['wide', 'json', 'yaml', 'name', 'jsonpath', 'custom-columns'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** What follows a format after `=`. */
export const outputExpressions: Partial<Record<OutputFormat, string>> = {
  jsonpath: 'TEMPLATE',
  'custom-columns': 'COLUMNS',
};

/** The headings of `cmig --help`, in this order. */
export const commandGroups = [
  'Applications',
  'Migration',
  'Checkpoints',
  'Watching',
  'Hosts',
  'Trust',
  'Lab (hosts on this machine)',
  'Settings',
] as const;
export type CommandGroup = (typeof commandGroups)[number];

export interface CommandSpec {
  name: string;
  aliases?: readonly string[];
  /** Needed at the top level only. */
  group?: CommandGroup;
  summary: string;
  /** More than the summary says, for its own help. */
  description?: string;
  arguments?: readonly ArgumentSpec[];
  options?: readonly OptionSpec[];
  /** The formats that `-o` accepts; none if absent. */
  output?: readonly OutputFormat[];
  /** Command line and what it does. */
  examples?: readonly (readonly [string, string])[];
  /** It is there for its output alone, and ends where that is not taken any more; others go on to their own end. */
  endsWithReader?: true;
  /** Not shown in help. */
  hidden?: true;
  subcommands?: readonly CommandSpec[];
  /** Present unless it is nothing but its subcommands; a subcommand's name goes before an argument. */
  load?: () => Promise<CommandHandler>;
}

/** It does nothing itself. */
export const isGroup = ({ subcommands, load }: CommandSpec): boolean =>
  subcommands !== undefined && load === undefined;

/** Runs the command; answers with the exit code, 0 where it answers nothing. What it throws is printed for it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may simply end
export type CommandHandler = (invocation: Invocation) => Promise<number | void>;

/** One call of a command. Asking for a name that the command does not declare throws: that is a mistake in our code. */
export interface Invocation {
  /** `cmig config use-context`. */
  readonly path: string;
  /** The context that was asked for by `--context`. */
  readonly context: string | undefined;
  /** What `-o` asked for. */
  readonly output: OutputFormat | undefined;
  /** What stands after `jsonpath=` or `custom-columns=`; empty for other formats. */
  readonly outputExpression: string;
  /** An argument or option, or undefined where it was not given. */
  text(name: string): string | undefined;
  /** An argument or option that cannot be missing, since the command demands it or gives it a default. */
  required(name: string): string;
  /** A variadic argument or repeatable option. */
  texts(name: string): string[];
  flag(name: string): boolean;
  integer(name: string): number | undefined;
  durationMs(name: string): number | undefined;
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  /** Standard output is a terminal: progress and colour may be shown. */
  readonly interactive: boolean;
  /** Standard input is one too: somebody is there who can be asked. */
  readonly attended: boolean;
  readonly color: boolean;
  /**
   * Aborted by SIGINT or SIGTERM, from the first time it is asked for: until then these signals end the process. A
   * second signal always does.
   */
  readonly signal: AbortSignal;
  /** One line of what the command is for, to standard output. */
  print(line: string): void;
  /** One line beside it (a warning, what is being done), to standard error. */
  notice(line: string): void;
  /** A value as one JSON document, to standard output. */
  printJson(value: unknown): void;
}
