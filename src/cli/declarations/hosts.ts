// Commands about hosts.
import { strategyNames } from '../../contract/strategy-names.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.ts';
import { parallelOption } from './parallel-option.ts';
import { issueHost } from './trust.ts';

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

export const drain: CommandSpec = {
  name: 'drain',
  group,
  summary: 'move every running application off a host, to where there is room',
  description:
    'The host is cordoned first, and stays so until "cmig uncordon". Each application goes to the host that has the most\nmemory left beside what is planned already, the largest first, and that has the labels which its manifest asks for\n(spec.migration.hostSelector). Where one refuses it, the next is asked. What does not run (stopped, ended) stays,\nand is named in the summary.\nExit code 0 where all have gone, or else that of the worst: 5 where no host takes one of them, 6 where one was rolled\nback, 7 where one needs attention; the others are moved all the same. Ctrl-C begins no further migration and rolls\nback those under way (130).',
  arguments: [{ name: 'HOST', summary: 'the host that is emptied', completes: 'host' }],
  options: [
    {
      flags: '--to <HOST>',
      summary: 'only to this host',
      repeatable: true,
      completes: 'host',
    },
    { flags: '--to-selector <SELECTOR>', summary: 'only to hosts with these labels, such as zone=west' },
    { flags: '-l, --selector <SELECTOR>', summary: 'only applications with these labels, such as tier=web' },
    parallelOption('how many are moved at a time'),
    {
      flags: '--strategy <NAME>',
      summary: 'how they move; what their manifests say if absent',
      choices: strategyNames.map((name) => ({ name })),
    },
    { flags: '--dry-run', summary: 'say what would go where and what preflight says, and change nothing' },
  ],
  output: ['json'],
  examples: [
    ['cmig drain host-a', 'empty a host before it is looked after; then: cmig uncordon host-a'],
    ['cmig drain host-a --dry-run', 'say what would go where'],
    ['cmig drain host-a --to host-b --to host-c --parallel 4', 'only to these two, four at a time'],
    ['cmig drain host-a -l tier=web --to-selector zone=west', 'some applications, to some hosts'],
  ],
  load: async () => (await import('../commands/drain.ts')).run,
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
    issueHost,
  ],
};
