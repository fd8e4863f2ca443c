// Commands that move applications.
import { strategyNames } from '../../contract/strategy-names.ts';
import type { CommandSpec } from '../command.ts';

export const migrate: CommandSpec = {
  name: 'migrate',
  aliases: ['mv'],
  group: 'Migration',
  summary: 'move a running application to another host, with its memory, files and connections',
  description:
    'Where anything fails before the commit, the application runs on where it was, its connections intact (exit code 6).\nCtrl-C rolls back and waits for it; a second one leaves at once, and the hosts settle it between themselves.',
  arguments: [
    { name: 'APP', summary: 'the application', completes: 'application' },
    { name: 'HOST', summary: 'where to', completes: 'host' },
  ],
  options: [
    {
      flags: '--strategy <NAME>',
      summary: 'how it moves; what its manifest says if absent',
      choices: strategyNames.map((name) => ({ name })),
    },
    { flags: '--dry-run', summary: 'print the plan and what preflight says, and change nothing' },
  ],
  output: ['json'],
  examples: [
    ['cmig migrate shop host-b', 'move an application'],
    ['cmig migrate shop host-b --dry-run', 'say whether it would work, and every reason why not'],
    ['cmig migrate shop host-b -o json', 'end with one JSON object: outcome, frozenMs, phases, bytes'],
  ],
  load: async () => (await import('../commands/migrate.ts')).run,
};
