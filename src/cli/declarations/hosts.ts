// Commands about hosts.
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.ts';

const group = 'Hosts';
const hosts: ArgumentSpec = {
  name: 'HOST',
  summary: 'the hosts',
  optional: true,
  variadic: true,
  completes: 'host',
};
const selector: OptionSpec = {
  flags: '-l, --selector <SELECTOR>',
  summary: 'the hosts with these labels instead, such as zone=west',
};

export const cordon: CommandSpec = {
  name: 'cordon',
  group,
  summary: 'let a host take no further applications; what runs there stays',
  description:
    'The host keeps it on its disk until "cmig uncordon". It refuses new applications (exit code 4) and migrations to it\n(exit code 5); applications that it has may be changed, stopped and started.',
  arguments: [hosts],
  options: [selector],
  output: ['json', 'name'],
  examples: [
    ['cmig cordon host-a', 'before it is looked after; "cmig drain host-a" moves off what runs there, too'],
    ['cmig cordon -l zone=west', 'all hosts with a label'],
  ],
  load: async () => (await import('../commands/cordon.ts')).cordon,
};

export const uncordon: CommandSpec = {
  name: 'uncordon',
  group,
  summary: 'let a host take applications again',
  arguments: [hosts],
  options: [selector],
  output: ['json', 'name'],
  examples: [['cmig uncordon host-a', 'it takes applications again']],
  load: async () => (await import('../commands/cordon.ts')).uncordon,
};

export const host: CommandSpec = {
  name: 'host',
  group,
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
