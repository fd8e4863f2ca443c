// Commands that move applications.
import { strategyNames } from '../../contract/strategy-names.ts';
import type { CommandSpec } from '../command.ts';
import { parallelOption } from './parallel-option.ts';

export const migrate: CommandSpec = {
  name: 'migrate',
  aliases: ['mv'],
  group: 'Migration',
  summary: 'move a running application to another host, with its memory, files and connections',
  description:
    'Where anything fails before the commit, the application runs on where it was, its connections intact (exit code 6).\nCtrl-C rolls back and waits for it; a second one leaves at once, and the hosts settle it between themselves.',
  arguments: [
    {
      name: 'APP',
      summary: 'the application; left out with -l',
      completes: 'application',
      unless: 'selector',
    },
    { name: 'HOST', summary: 'where to', completes: 'host' },
  ],
  options: [
    {
      flags: '--strategy <NAME>',
      summary: 'how it moves; what its manifest says if absent',
      choices: strategyNames.map((name) => ({ name })),
    },
    {
      flags: '--from-checkpoint <ID>',
      summary: 'there it is set back to this checkpoint, as by "cmig restore --host"',
      completes: 'checkpoint',
    },
    { flags: '--discard-current', summary: 'with --from-checkpoint: do not keep what runs now' },
    { flags: '--dry-run', summary: 'print the plan and what preflight says, and change nothing' },
    {
      flags: '-l, --selector <SELECTOR>',
      summary: 'all running applications with these labels instead, such as tier=web',
    },
    parallelOption('how many are moved at a time with -l'),
  ],
  output: ['json'],
  examples: [
    ['cmig migrate shop host-b', 'move an application'],
    ['cmig migrate shop host-b --dry-run', 'say whether it would work, and every reason why not'],
    ['cmig migrate -l tier=web host-b', 'move all applications with a label; one table tells how it went'],
    ['cmig migrate shop host-b -o json', 'end with one JSON object: outcome, frozenMs, phases, bytes'],
  ],
  load: async () => (await import('../commands/migrate.ts')).run,
};

export const migration: CommandSpec = {
  name: 'migration',
  group: 'Migration',
  summary: 'settle a migration that waits for a host which is lost',
  subcommands: [
    {
      name: 'resolve',
      summary: 'say who has the application, where one host waits for the word of another that is lost',
      description:
        'Everything else ends by itself. Between the permit to commit and the news of the commit only the destination\nknows who has the application; where it is lost for good, the source waits until a person says so. Refused\n(exit code 4) while the other host gives any sign of life, and while it may still commit. Should it come back\nlater, it puts its copy aside.',
      arguments: [{ name: 'ID', summary: 'the migration, such as m-mb2k8t01a2b3c4', completes: 'migration' }],
      options: [
        {
          flags: '--to <SIDE>',
          summary: 'source: it runs on where it was; destination: the source gives up its frozen copy',
          mandatory: true,
          choices: [{ name: 'source' }, { name: 'destination' }],
        },
        { flags: '--yes', summary: 'do not ask before a copy is given up' },
      ],
      output: ['json'],
      examples: [
        [
          'cmig migration resolve m-mb2k8t01a2b3c4 --to source',
          'the destination is lost: run on at the source',
        ],
      ],
      load: async () => (await import('../commands/migration.ts')).resolve,
    },
  ],
};
