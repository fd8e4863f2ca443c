// `cmig lab`: hosts on this machine, for trying, demonstrations and tests.
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.ts';

const handlers = () => import('../commands/lab.ts');
const host: ArgumentSpec = {
  name: 'HOST',
  summary: 'a host of the lab, such as host-a',
  completes: 'lab-host',
};
const name: OptionSpec = {
  flags: '--name <NAME>',
  summary: 'the lab; two of different names do not meet',
  default: 'lab',
  completes: 'lab',
};
const agent = (summary: string): OptionSpec => ({ flags: '--agent', summary });

export const lab: CommandSpec = {
  name: 'lab',
  group: 'Lab (hosts on this machine)',
  summary: 'turn this machine into several hosts that share nothing but a network',
  description:
    'Each host has its own namespaces, files, sshd and agent; they meet over a private network and a private RabbitMQ.\nA lab needs root, and leaves nothing behind after "cmig lab down".',
  subcommands: [
    {
      name: 'up',
      summary: 'start a lab, or whatever of it does not run',
      options: [
        {
          flags: '--hosts <N>',
          summary: 'how many hosts; 3 for a new lab, and a lab that is there may get more',
          value: 'integer',
        },
        {
          flags: '--sites <NAMES>',
          summary: 'networks of their own, routed to each other, to which the hosts are dealt out in turn',
        },
        {
          flags: '--tls',
          summary: 'a new lab: everybody comes to its broker by certificate, with roles',
        },
        name,
      ],
      output: ['json'],
      examples: [
        ['cmig lab up --hosts 3', 'host-a, host-b, host-c and their broker'],
        ['cmig lab up --hosts 3 --sites onprem,azure,aws', 'each in a network of its own'],
        ['cmig lab up --tls', 'the same with certificates and roles'],
      ],
      load: async () => (await handlers()).up,
    },
    {
      name: 'down',
      summary: 'end a lab and remove all that it made',
      options: [name],
      output: ['json'],
      examples: [['cmig lab down', 'nothing of it stays']],
      load: async () => (await handlers()).down,
    },
    {
      name: 'status',
      summary: 'what of a lab runs',
      options: [name],
      output: ['json', 'yaml'],
      examples: [['cmig lab status', 'which hosts and agents run, and the broker']],
      load: async () => (await handlers()).status,
    },
    {
      name: 'exec',
      summary: 'run a program on a host of the lab; its exit code becomes that of cmig',
      arguments: [host, { name: 'CMD', summary: 'the program and its arguments', variadic: true }],
      options: [name],
      examples: [['cmig lab exec host-a -- ip address', 'look at a host from inside']],
      load: async () => (await handlers()).exec,
    },
    {
      name: 'kill',
      summary: 'end a host at once, as a power cut would; or only its agent',
      arguments: [host],
      options: [agent('end only its agent; the containers run on'), name],
      examples: [
        ['cmig lab kill host-b', 'cut the power'],
        ['cmig lab kill host-b --agent', 'kill the agent'],
      ],
      load: async () => (await handlers()).kill,
    },
    {
      name: 'start',
      summary: 'start a host that was killed, or only its agent',
      arguments: [host],
      options: [agent('start only its agent'), name],
      examples: [['cmig lab start host-b', 'power is back; what ran there is started again']],
      load: async () => (await handlers()).start,
    },
    {
      name: 'partition',
      summary: 'cut a host or a site off the network',
      arguments: [
        { ...host, summary: 'a host of the lab, such as host-a, or a site' },
        {
          name: 'PEER',
          summary: 'as --from: only from this host or site',
          optional: true,
          completes: 'lab-host',
        },
      ],
      options: [
        {
          flags: '--from <MACHINE>',
          summary:
            'only from this one: another host or site, "broker", or "machine", which is where cmig runs',
          completes: 'lab-host',
        },
        name,
      ],
      examples: [
        ['cmig lab partition host-b', 'cut it off from everything'],
        ['cmig lab partition host-b --from host-a', 'cut two hosts off from each other'],
        ['cmig lab partition azure aws', 'cut two sites off from each other'],
      ],
      load: async () => (await handlers()).partition,
    },
    {
      name: 'heal',
      summary: 'connect a host or a site again',
      arguments: [{ ...host, summary: 'a host of the lab, such as host-a, or a site' }],
      options: [name],
      examples: [['cmig lab heal host-b', 'undo every partition of it']],
      load: async () => (await handlers()).heal,
    },
    {
      name: 'shape',
      summary: 'limit the rate of a host or a site, or lift the limit',
      arguments: [{ ...host, summary: 'a host of the lab, such as host-a, or a site' }],
      options: [
        {
          flags: '--rate <RATE>',
          summary: 'bits a second, such as 100mbit; "none" lifts the limit',
        },
        { flags: '--delay <TIME>', summary: 'each way, such as 20ms; "none" takes it away' },
        { flags: '--loss <SHARE>', summary: 'each way, such as 0.5%; "none" takes it away' },
        name,
      ],
      examples: [
        ['cmig lab shape host-b --rate 100mbit', 'a slow link'],
        ['cmig lab shape azure --rate 200mbit --delay 15ms', 'a distant cloud, where the kernel has netem'],
      ],
      load: async () => (await handlers()).shape,
    },
    {
      name: 'broker',
      summary: 'stop or start the broker of the lab',
      arguments: [{ name: 'ACTION', summary: 'one of', choices: [{ name: 'stop' }, { name: 'start' }] }],
      options: [name],
      examples: [['cmig lab broker stop', 'see how everything goes on without it']],
      load: async () => (await handlers()).broker,
    },
  ],
};
