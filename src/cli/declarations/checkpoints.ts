// Commands that take checkpoints and go back to them.
import type { ArgumentSpec, CommandSpec } from '../command.ts';

const group = 'Checkpoints';
const application: ArgumentSpec = { name: 'APP', summary: 'the application', completes: 'application' };

export const checkpoint: CommandSpec = {
  name: 'checkpoint',
  group,
  summary: 'capture memory, files and volumes of a running application at one instant',
  description:
    'All its containers stand still for a moment, and run on with their connections. Files that are as in the checkpoint\nbefore are shared with it. It is kept on the host; "cmig get checkpoints" lists all.',
  arguments: [application],
  options: [
    { flags: '--name <ID>', summary: 'what it is called; made up if absent' },
    { flags: '--stop', summary: 'the application is stopped at that instant instead of running on' },
  ],
  output: ['json', 'name'],
  examples: [
    ['cmig checkpoint shop', 'take one'],
    ['cmig checkpoint shop --name before-upgrade', 'take one to go back to by name'],
  ],
  subcommands: [
    {
      name: 'export',
      endsWithReader: true,
      summary: 'write a checkpoint to one file, with the checksums of all that is in it (tar, zstd)',
      description:
        'The images of its containers are not in it: where it is to be restored they must be by then.',
      arguments: [
        { name: 'ID', summary: 'the checkpoint', completes: 'checkpoint' },
        {
          name: 'FILE',
          summary: 'ID.tar.zst if absent; - for standard output',
          optional: true,
          completes: 'file',
        },
      ],
      output: ['json'],
      examples: [
        ['cmig checkpoint export before-upgrade', 'write before-upgrade.tar.zst'],
        ['cmig checkpoint export before-upgrade - > /dev/null', 'read all of it, and check it on the way'],
      ],
      load: async () => (await import('../commands/checkpoint-archive.ts')).exportCheckpoint,
    },
    {
      name: 'import',
      summary: 'bring an exported checkpoint to a host; refused where anything in it is not as it was',
      arguments: [{ name: 'FILE', summary: 'what was exported, or - for standard input', completes: 'file' }],
      options: [
        { flags: '--host <HOST>', summary: 'where it is to be kept', mandatory: true, completes: 'host' },
      ],
      output: ['json'],
      examples: [['cmig checkpoint import before-upgrade.tar.zst --host host-c', 'keep it on host-c']],
      load: async () => (await import('../commands/checkpoint-archive.ts')).importCheckpoint,
    },
  ],
  load: async () => (await import('../commands/checkpoint.ts')).run,
};

export const restore: CommandSpec = {
  name: 'restore',
  group,
  summary: 'set an application back to a checkpoint, files included',
  description:
    'What runs is replaced only when the checkpoint is restored; where that fails it runs on with its connections. It is\nkept as a checkpoint of its own. Connections between its containers go on from where they were; those with peers\noutside are closed, and how many is said. To another host the checkpoint is sent first, and what runs is moved there.',
  arguments: [application],
  options: [
    {
      flags: '--checkpoint <ID>',
      summary: 'the one to go back to',
      mandatory: true,
      completes: 'checkpoint',
    },
    {
      flags: '--host <HOST>',
      summary: 'where it is to run; if absent where it runs, or else where the checkpoint is',
      completes: 'host',
    },
    { flags: '--discard-current', summary: 'do not keep what runs now' },
  ],
  output: ['json'],
  examples: [
    ['cmig restore shop --checkpoint before-upgrade', 'go back'],
    ['cmig restore shop --checkpoint before-upgrade --host host-b', 'go back on another host'],
  ],
  load: async () => (await import('../commands/restore.ts')).run,
};
