// Commands about images.
import type { CommandSpec } from '../command.ts';

export const image: CommandSpec = {
  name: 'image',
  group: 'Hosts',
  summary: 'look after the images on hosts',
  subcommands: [
    {
      name: 'prune',
      summary: 'remove the images that no application and no checkpoint uses',
      description:
        'What is stopped, or on its way to a host, uses its images too; what is just being brought or sent is kept. Images\nthat were fetched to this machine and that no application uses go as well, unless hosts are named. An apply brings\nagain what it needs.',
      arguments: [
        {
          name: 'HOST',
          summary: 'on these hosts; on all if absent',
          optional: true,
          variadic: true,
          completes: 'host',
        },
      ],
      options: [{ flags: '--dry-run', summary: 'say what would be removed, and remove nothing' }],
      output: ['json'],
      examples: [
        ['cmig image prune --dry-run', 'what could go, and how much room it takes'],
        ['cmig image prune host-b', 'on one host'],
      ],
      load: async () => (await import('../commands/image.ts')).prune,
    },
  ],
};
