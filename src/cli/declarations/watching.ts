// Commands that only look.
import type { CommandSpec } from '../command.ts';
import { listedKinds } from './kinds.ts';

const group = 'Watching';

export const get: CommandSpec = {
  name: 'get',
  endsWithReader: true,
  group,
  summary: 'list applications, hosts, checkpoints, images or migrations',
  arguments: [
    {
      name: 'KIND',
      summary: 'all, KIND/NAME, several with commas between, or one of',
      choices: listedKinds,
      open: true,
    },
    { name: 'NAME', summary: 'only these', optional: true, variadic: true, completes: 'name-of-kind' },
  ],
  options: [
    { flags: '-w, --watch', summary: 'go on with every change' },
    { flags: '-l, --selector <SELECTOR>', summary: 'only those with these labels, such as tier=web,!test' },
    { flags: '--sort-by <PATH>', summary: 'in the order of this field, such as .status.startedAt' },
    { flags: '--no-headers', summary: 'no line of headings' },
  ],
  output: ['wide', 'json', 'yaml', 'name', 'jsonpath', 'custom-columns'],
  examples: [
    ['cmig get apps', 'all applications, on all hosts'],
    ['cmig get hosts -o wide', 'hosts, with versions and load'],
    ['cmig get app shop -o json', 'one application with its status'],
    ['cmig get apps -w', 'every change as it happens'],
    ['cmig get migrations --sort-by=.status.frozenMs', 'the longest pause last'],
    [
      'cmig get apps -o jsonpath=\'{range .items[*]}{.metadata.name}{"\\t"}{.status.host}{"\\n"}{end}\'',
      'only what is asked for',
    ],
    [
      "cmig get apps -o custom-columns='NAME:.metadata.name,IMAGE:.spec.containers[*].image'",
      'columns of your own',
    ],
    ['cmig get all', 'everything'],
  ],
  load: async () => (await import('../commands/get.ts')).run,
};

export const describe: CommandSpec = {
  name: 'describe',
  aliases: ['desc'],
  group,
  summary: 'all there is to know about one application, host, checkpoint, image or migration',
  arguments: [
    { name: 'KIND', summary: 'KIND/NAME, or one of', choices: listedKinds, open: true },
    { name: 'NAME', summary: 'its name', optional: true, completes: 'name-of-kind' },
  ],
  output: ['json', 'yaml'],
  examples: [
    ['cmig describe app shop', 'containers, restarts, recent events of an application'],
    ['cmig describe host host-a', 'versions, memory, disk of a host'],
  ],
  load: async () => (await import('../commands/describe.ts')).run,
};

export const events: CommandSpec = {
  name: 'events',
  endsWithReader: true,
  aliases: ['ev'],
  group,
  summary: 'print what has happened, oldest first',
  options: [
    { flags: '-w, --watch', summary: 'go on with what happens from now on' },
    {
      flags: '--for <KIND/NAME>',
      summary: 'only what concerns it: app/shop, host/host-a or migration/m-…',
      completes: 'kind-and-name',
    },
    {
      flags: '--types <TYPES>',
      summary: 'only these types, separated by commas; "migration" stands for all "migration.…"',
      repeatable: true,
      completes: 'event-type',
    },
    { flags: '--since <TIME>', summary: 'only since then: a duration such as 5m, or RFC 3339' },
  ],
  output: ['json'],
  examples: [
    ['cmig events --since 10m', 'what happened in the last ten minutes'],
    ['cmig events -w --for app/shop', 'follow one application'],
    ['cmig events -w --types migration -o json', 'migrations, one JSON object a line'],
  ],
  load: async () => (await import('../commands/events.ts')).run,
};

export const topology: CommandSpec = {
  name: 'topology',
  endsWithReader: true,
  group,
  summary: 'the live picture of hosts, applications and migrations, and what can be done from it',
  description:
    'Keys: arrows move, enter details, m migrate, s stop, S start, l logs, c cordon, d drain, e events, / filter, ? help,\nq quit. Quitting ends nothing that was begun. In a pipe one picture is printed.',
  options: [
    { flags: '--once', summary: 'print one picture and end' },
    {
      flags: '--filter <WORDS>',
      summary: 'only what matches: parts of names, or labels as key=value; / changes it',
    },
  ],
  examples: [
    ['cmig topology', 'watch, and act by keys'],
    ['cmig topology --once', 'print one picture'],
    ['cmig topology --filter tier=web', 'only the hosts and applications with this label'],
  ],
  load: async () => (await import('../commands/topology.ts')).run,
};

export const top: CommandSpec = {
  name: 'top',
  endsWithReader: true,
  group,
  summary: 'what hosts or applications use: CPU, memory, network',
  arguments: [
    {
      name: 'KIND',
      summary: 'one of',
      choices: listedKinds.filter(({ name }) => name === 'hosts' || name === 'applications'),
    },
    { name: 'NAME', summary: 'only this one', optional: true, completes: 'name-of-kind' },
  ],
  options: [
    { flags: '-w, --watch', summary: 'go on, every two seconds' },
    {
      flags: '--sort-by <PATH>',
      summary: 'cpu or memory, the busiest first; or a field as -o json shows it, such as .name',
    },
    { flags: '--no-headers', summary: 'no line of headings' },
  ],
  output: ['json'],
  examples: [
    ['cmig top hosts', 'load of all hosts'],
    ['cmig top apps --sort-by=memory', 'the largest first'],
    ['cmig top apps -w', 'applications, every two seconds'],
  ],
  load: async () => (await import('../commands/top.ts')).run,
};
