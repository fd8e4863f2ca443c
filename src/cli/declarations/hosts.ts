// Commands about hosts.
import type { CommandSpec } from '../command.ts';

export const host: CommandSpec = {
  name: 'host',
  group: 'Hosts',
  summary: 'look after hosts',
  subcommands: [
    {
      name: 'doctor',
      summary: 'look for what is not well on hosts, and name the command that mends it',
      description:
        'Each host looks at itself: criu dumps and restores a container; broker, bridge, settings of the kernel, cgroups,\ncapabilities, disk, sshd, its way to every other host, what lies about. Its clock is compared with the one here.\nCommands are for a root shell on the host that is named. Exit code 1 where there is a problem.',
      arguments: [
        {
          name: 'HOST',
          summary: 'these hosts; all if absent',
          optional: true,
          variadic: true,
          completes: 'host',
        },
      ],
      options: [{ flags: '--all', summary: 'show what is well, too' }],
      output: ['json'],
      examples: [
        ['cmig host doctor', 'look at all hosts'],
        ['cmig host doctor host-b --all', 'one host, with all that was looked at'],
      ],
      load: async () => (await import('../commands/host.ts')).doctor,
    },
  ],
};
