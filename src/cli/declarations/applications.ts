// Commands that make, change and end applications.
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.ts';

const group = 'Applications';
const application: ArgumentSpec = { name: 'APP', summary: 'the application', completes: 'application' };
const container: OptionSpec = {
  flags: '-c, --container <CTR>',
  summary: 'this container; needed where the application has several',
  completes: 'container',
};
const selector: OptionSpec = {
  flags: '-l, --selector <SELECTOR>',
  summary: 'all applications with these labels instead, such as tier=web',
};
/** Named by their names, or by their labels. */
const applications: ArgumentSpec = {
  ...{ name: 'APP', summary: 'the applications', completes: 'application' },
  ...{ optional: true, variadic: true },
};
const file: OptionSpec = {
  flags: '-f, --file <FILE>',
  summary: 'a manifest, a folder of manifests, or - for standard input',
  mandatory: true,
  repeatable: true,
  completes: 'file',
};
const recursive: OptionSpec = {
  flags: '-R, --recursive',
  summary: 'of a folder, those of the folders below it, too',
};
const outside: OptionSpec = {
  flags: '--allow-outside',
  summary: "allow image paths that lead out of the manifest's folder",
};
const timeout: OptionSpec = {
  flags: '--timeout <DURATION>',
  summary: 'give up waiting after so long, such as 30s',
  value: 'duration',
};

export const apply: CommandSpec = {
  name: 'apply',
  group,
  summary: 'create applications from manifests, or bring them to what the manifests say',
  options: [
    file,
    recursive,
    { flags: '--dry-run', summary: 'check everything and say what would be done, without doing it' },
    { flags: '--wait', summary: 'end only when every application is ready' },
    timeout,
    outside,
  ],
  output: ['json', 'yaml', 'name'],
  examples: [
    ['cmig apply -f manifests/shop.yaml --wait', 'deploy one application and wait until it is ready'],
    ['cmig apply -f manifests/ --dry-run', 'say what a folder of manifests would change'],
    ['generate | cmig apply -f -', 'deploy what a program writes'],
  ],
  load: async () => (await import('../commands/apply.ts')).run,
};

export const diff: CommandSpec = {
  name: 'diff',
  group,
  summary: 'show what apply would change; exit code 1 where there is a difference',
  options: [file, recursive, outside],
  output: ['json'],
  examples: [['cmig diff -f manifests/shop.yaml', 'compare one manifest with what runs']],
  load: async () => (await import('../commands/diff.ts')).run,
};

export const validate: CommandSpec = {
  name: 'validate',
  group,
  summary: 'check manifests without talking to any host; every problem in one go',
  options: [file, recursive, outside],
  output: ['json'],
  examples: [['cmig validate -f manifests/', 'check all manifests of a folder']],
  load: async () => (await import('../commands/validate.ts')).run,
};

export const convert: CommandSpec = {
  name: 'convert',
  group,
  summary: 'make a manifest of a Compose file; what cannot be carried over is listed on standard error',
  description:
    'Services become the containers of one application: they share one network and reach each other at 127.0.0.1.\nNamed volumes move along; what is bound from the host is left out. Variables are filled in from the environment.',
  options: [
    {
      flags: '-f, --file <FILE>',
      summary: 'the Compose file, or - for standard input',
      mandatory: true,
      completes: 'file',
    },
    {
      flags: '--host <HOST>',
      summary: 'where the application first runs',
      default: 'host-a',
      completes: 'host',
    },
    { flags: '--name <NAME>', summary: "what it is called; the file's own name, or the folder's, if absent" },
  ],
  output: ['json'],
  examples: [['cmig convert -f compose.yaml --host host-b > shop.yaml', 'a manifest to look over and apply']],
  load: async () => (await import('../commands/convert.ts')).run,
};

export const remove: CommandSpec = {
  name: 'delete',
  aliases: ['rm'],
  group,
  summary: 'stop applications and remove all that belongs to them, volumes included; or remove checkpoints',
  arguments: [
    {
      name: 'APP',
      summary: 'the applications; or: checkpoint ID…',
      optional: true,
      variadic: true,
      completes: 'application',
    },
  ],
  options: [
    {
      flags: '-f, --file <FILE>',
      summary: 'those of these manifests',
      repeatable: true,
      completes: 'file',
    },
    recursive,
    selector,
  ],
  output: ['json', 'name'],
  examples: [
    ['cmig delete shop', 'remove one application'],
    ['cmig delete -l tier=test', 'remove all applications with a label'],
    ['cmig delete -f manifests/shop.yaml', 'remove what a manifest made'],
    ['cmig delete checkpoint before-upgrade', 'remove a checkpoint'],
  ],
  load: async () => (await import('../commands/delete.ts')).run,
};

export const stop: CommandSpec = {
  name: 'stop',
  group,
  summary: 'end the containers of applications and keep their files',
  arguments: [applications],
  options: [selector, timeout],
  output: ['json'],
  examples: [
    ['cmig stop shop', 'stop an application; "cmig start shop" starts it again'],
    ['cmig stop -l tier=web', 'stop all applications with a label'],
  ],
  load: async () => (await import('../commands/stop.ts')).run,
};

export const start: CommandSpec = {
  name: 'start',
  group,
  summary: 'start stopped applications and wait until they are ready',
  arguments: [applications],
  options: [selector, timeout],
  output: ['json'],
  examples: [
    ['cmig start shop', 'start a stopped application'],
    ['cmig start -l tier=web', 'start all applications with a label'],
  ],
  load: async () => (await import('../commands/start.ts')).run,
};

export const logs: CommandSpec = {
  name: 'logs',
  endsWithReader: true,
  group,
  summary: 'print what the containers of an application wrote',
  description: 'Without -c the lines of all containers are shown, each after the name of its container.',
  arguments: [application],
  options: [
    { flags: '-c, --container <CTR>', summary: 'only this container', completes: 'container' },
    { flags: '-f, --follow', summary: 'go on with new lines as they come' },
    { flags: '--tail <N>', summary: 'only the last lines', value: 'integer' },
    { flags: '--since <TIME>', summary: 'only lines since then: a duration such as 5m, or RFC 3339' },
    { flags: '--timestamps', summary: 'the time before each line' },
  ],
  output: ['json'],
  examples: [
    ['cmig logs shop --tail 20', 'the last lines of all containers'],
    ['cmig logs shop -c db -f', 'follow one container'],
    ['cmig logs shop --since 5m -o json', 'one JSON object a line'],
  ],
  load: async () => (await import('../commands/logs.ts')).run,
};

export const exec: CommandSpec = {
  name: 'exec',
  endsWithReader: true,
  group,
  summary: 'run a program in a container; its exit code becomes that of cmig',
  arguments: [
    application,
    { name: 'CMD', summary: 'the program and its arguments; no shell is involved', variadic: true },
  ],
  description:
    'With -it the program has a terminal: every key goes to it, Ctrl-C too, and it learns of another size of the window.\nIt ends with its connection, and when the application is stopped or moved.',
  options: [
    container,
    { flags: '-i, --stdin', summary: 'pass standard input on to the program' },
    { flags: '-t, --tty', summary: 'with -i: give the program a terminal, where standard input is one' },
  ],
  examples: [
    ['cmig exec shop -c db -- redis-cli info clients', 'run a program'],
    ['cmig exec shop -c web -it -- sh', 'a shell in a container'],
    ['cmig exec shop -c web -i -- sh < script.sh', 'feed a program from here'],
  ],
  load: async () => (await import('../commands/exec.ts')).run,
};
