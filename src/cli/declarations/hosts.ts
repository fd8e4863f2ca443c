// Commands about hosts.
import { strategyNames } from '../../contract/strategy-names.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.ts';
import { hostKeyOption, identityOption } from './machine-options.ts';
import { parallelOption } from './parallel-option.ts';
import { authorityOption, issueHost, revokeHost } from './trust.ts';

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

/** A host that was added, and where SSH reaches it. */
const joined: ArgumentSpec[] = [
  { name: 'HOST', summary: 'the host', completes: 'host' },
  {
    name: 'ADDRESS',
    summary: 'ssh://root@ADDRESS[:PORT], where it is not what the hosts know',
    optional: true,
  },
];

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
      name: 'add',
      summary: 'make a machine that is reached by SSH as root a host',
      description:
        "It looks first and says what it will change. What is missing comes by the machine's own package manager (apt on\nDebian and Ubuntu, dnf on Fedora and RHEL); where no criu of its own dumps and restores on its kernel, a newer one goes\ninto /opt/cmig. The agent comes with a Node of its own; for a machine of another architecture\n(x86_64, arm64) npm fetches that to this one first. Run again, it repairs or upgrades and changes nothing that is\nright; what was cut off goes on where it was. Settings that are not given stay as they were.\nThe SSH host key is shown and asked for, or given, the first time; it is kept beside the contexts, and another one is\nrefused from then on.",
      arguments: [
        { name: 'NAME', summary: 'what the host is to be called' },
        { name: 'ADDRESS', summary: 'where it is reached: ssh://root@ADDRESS[:PORT]' },
      ],
      options: [
        { flags: '--label <KEY=VALUE>', summary: 'a label of the host, such as site=aws', repeatable: true },
        hostKeyOption,
        identityOption,
        {
          flags: '--broker <URL>',
          summary: 'the broker as the host reaches it; that of the context if absent',
        },
        { flags: '--address <IP>', summary: 'where other hosts reach it; ADDRESS if absent' },
        {
          flags: '--network <RANGE>',
          summary: "the range of applications' addresses; that of the other hosts if absent",
        },
        { flags: '--gateway <IP>', summary: "the applications' default route; none if absent" },
        {
          flags: '--bridge <NAME>',
          summary: 'what applications are attached to, made where missing; cmig0 if absent',
        },
        { flags: '--cgroup-parent <PATH>', summary: 'below which all containers live; /cmig if absent' },
        authorityOption,
        { flags: '--dry-run', summary: 'say what would be changed, and change nothing' },
      ],
      output: ['json'],
      examples: [
        [
          'cmig host add host-d ssh://root@192.0.2.7 --label site=aws',
          'one command, and applications can move there',
        ],
        [
          'cmig host add host-d ssh://root@192.0.2.7 --dry-run',
          'look at the machine, and say what would be changed',
        ],
        [
          'cmig host add host-d ssh://root@192.0.2.7:2222 --host-key SHA256:KFmd7caEhccuRgkNyTjcSXBknzv7pPuLqNaDmEabcde',
          'from a script, where nobody is asked',
        ],
      ],
      load: async () => (await import('../commands/host-add.ts')).add,
    },
    {
      name: 'remove',
      summary: 'move off what runs on a host, and undo all that "cmig host add" has done there',
      description:
        'What runs there is moved to other hosts as by "cmig drain"; where something stays (an application that no host\ntakes, a stopped one, a checkpoint), nothing is removed (exit code 4). Then the agent and all that came with it goes,\nthe packages too, and the other hosts forget it. Run again, it goes on where it was cut off.',
      arguments: joined,
      options: [
        identityOption,
        { flags: '--keep-packages', summary: 'leave the packages that were installed for it' },
        { flags: '--lost', summary: 'the machine is lost for good: only have the other hosts forget it' },
        authorityOption,
        parallelOption('how many applications are moved at a time'),
      ],
      output: ['json'],
      examples: [
        ['cmig host remove host-d', 'leave nothing there'],
        ['cmig host remove host-d --lost', 'what is left of a machine that will not come back is its name'],
      ],
      load: async () => (await import('../commands/host-remove.ts')).remove,
    },
    {
      name: 'upgrade',
      summary: 'bring a host to the version of this cmig, under its running applications',
      description:
        'It is "cmig host add" with all that the host was given before: what is right already is left alone. Containers and\ntheir connections live on while the agent is replaced.',
      arguments: joined,
      options: [
        identityOption,
        authorityOption,
        { flags: '--dry-run', summary: 'say what would be changed, and change nothing' },
      ],
      output: ['json'],
      examples: [['cmig host upgrade host-d', 'after this cmig was brought to a newer version']],
      load: async () => (await import('../commands/host-add.ts')).upgrade,
    },
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
    {
      name: 'rotate-keys',
      summary: 'give hosts new keys with which they send to each other; the old ones are of no use then',
      arguments: [
        {
          name: 'HOST',
          summary: 'these hosts; all if absent',
          optional: true,
          variadic: true,
          completes: 'host',
        },
      ],
      output: ['json'],
      examples: [['cmig host rotate-keys', 'all hosts, one after the other']],
      load: async () => (await import('../commands/host.ts')).rotateKeys,
    },
    issueHost,
    revokeHost,
  ],
};
