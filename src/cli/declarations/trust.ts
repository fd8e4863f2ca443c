// Commands about who may do what: the authority of the installation and the certificates that it makes.
import { operatorRoles } from '../../contract/identity.ts';
import type { CommandSpec, OptionSpec } from '../command.ts';
import { hostKeyOption, identityOption } from './machine-options.ts';

const group = 'Trust';
const handlers = () => import('../commands/trust.ts');
export const authorityOption: OptionSpec = {
  flags: '--dir <DIR>',
  summary: 'the folder of the authority; "authority" beside the contexts file if absent',
  completes: 'file',
};
const out: OptionSpec = {
  flags: '--out <DIR>',
  summary: 'where certificate, key and ca.crt are written',
  default: '.',
  completes: 'file',
};

export const init: CommandSpec = {
  name: 'init',
  group,
  summary: 'make the authority of an installation, and its first admin: you',
  description:
    'The authority is a key that signs one certificate for each host, operator and broker: by these they know each other.\nIt stays in your configuration folder; make a backup, since another one would make all certificates worthless.',
  options: [
    { flags: '--broker <URL>', summary: 'amqps:// of the broker: a context is made that uses it' },
    { flags: '--operator <NAME>', summary: 'what you are called; your user name if absent' },
    authorityOption,
  ],
  output: ['json'],
  examples: [
    ['cmig init --broker amqps://mq.example.net/cmig', 'the authority, your certificate and a context'],
    ['cmig init --dir ./acme', 'the first two, in a folder of your choice'],
  ],
  load: async () => (await handlers()).init,
};

export const operator: CommandSpec = {
  name: 'operator',
  group,
  summary: 'the people who may use this installation, each by a certificate of their own',
  subcommands: [
    {
      name: 'add',
      summary: 'make the certificate of an operator, or make it anew',
      description:
        'A viewer may look: get, describe, topology, logs, events. An operator may do everything with applications, too; an\nadmin everything with hosts as well. What is written is handed over on a safe way: the key is all that it takes.',
      arguments: [{ name: 'NAME', summary: 'lower-case letters, digits and dashes' }],
      options: [
        {
          flags: '--role <ROLE>',
          summary: 'what they may do',
          mandatory: true,
          choices: operatorRoles.map((name) => ({ name })),
        },
        out,
        authorityOption,
      ],
      output: ['json'],
      examples: [
        ['cmig operator add ann --role viewer --out ./ann', 'somebody who may look'],
        ['cmig operator add bob --role operator --out ./bob', 'somebody who may move applications'],
      ],
      load: async () => (await handlers()).addOperator,
    },
    {
      name: 'list',
      summary: 'for whom there are certificates',
      options: [authorityOption],
      output: ['json'],
      examples: [['cmig operator list', 'names and roles']],
      load: async () => (await handlers()).listOperators,
    },
    {
      name: 'remove',
      summary: 'forget an operator, and say what keeps the certificate out',
      arguments: [{ name: 'NAME', summary: 'the operator' }],
      options: [authorityOption],
      examples: [['cmig operator remove ann', 'the broker must forget the user as well']],
      load: async () => (await handlers()).removeOperator,
    },
    {
      name: 'revoke',
      summary: 'let nobody in any more by the certificate of an operator, since somebody else has it',
      description:
        'The broker knows people by name: the name is given to nobody again as long as an old certificate is valid.',
      arguments: [{ name: 'NAME', summary: 'the operator' }],
      options: [authorityOption],
      examples: [
        ['cmig operator revoke bob', 'his laptop was stolen; then the definitions anew, on the broker'],
      ],
      load: async () => (await handlers()).revokeOperator,
    },
  ],
};

const machine = { name: 'ADDRESS', summary: 'where it is reached: ssh://root@ADDRESS[:PORT]' };

export const broker: CommandSpec = {
  name: 'broker',
  group,
  summary: 'set up RabbitMQ for an installation with certificates, or what an existing one needs',
  subcommands: [
    {
      name: 'install',
      summary:
        'set up RabbitMQ on a machine that is reached by SSH as root; without one, print what it needs',
      description:
        'It looks first and says what it will change. RabbitMQ comes by the machine\'s own package manager (apt on Debian and\nUbuntu, dnf on Fedora and RHEL), takes TLS with client certificates and nothing else, and knows all for whom the\nauthority has made a certificate; of later ones, and of removals, it hears by SSH. Run again, the command repairs, and\nchanges nothing that is right; what was cut off goes on where it was. A RabbitMQ that is there already is not touched.\nThe SSH host key is agreed to as by "cmig host add".',
      arguments: [{ ...machine, optional: true }],
      options: [
        {
          flags: '--address <NAME>',
          summary: 'another host name or IP address by which it is reached',
          repeatable: true,
        },
        { flags: '--port <PORT>', summary: 'where it listens; 5671 if absent' },
        { flags: '--vhost <NAME>', summary: 'the virtual host of the installation; cmig if absent' },
        hostKeyOption,
        identityOption,
        authorityOption,
        { flags: '--dry-run', summary: 'say what would be changed, and change nothing' },
      ],
      output: ['json'],
      examples: [
        ['cmig broker install ssh://root@10.20.0.5', 'a broker for a team that has none, after "cmig init"'],
        ['cmig broker install ssh://root@10.20.0.5 --dry-run', 'only what would be changed'],
        ['cmig broker install', 'what a RabbitMQ that is there already must be told'],
      ],
      load: async () => (await import('../commands/broker.ts')).install,
    },
    {
      name: 'remove',
      summary:
        'undo all that "cmig broker install" has done on a machine, RabbitMQ and its messages included',
      arguments: [machine],
      options: [
        { flags: '--in-use', summary: 'though hosts are connected to it' },
        hostKeyOption,
        identityOption,
        authorityOption,
      ],
      examples: [['cmig broker remove ssh://root@10.20.0.5', 'after the last host was removed']],
      load: async () => (await import('../commands/broker.ts')).remove,
    },
    {
      name: 'definitions',
      summary: 'print users and permissions for RabbitMQ, from the certificates that were made',
      options: [
        { flags: '--vhost <NAME>', summary: 'the virtual host of the installation', default: 'cmig' },
        authorityOption,
      ],
      examples: [
        [
          'cmig broker definitions > definitions.json',
          'after each new certificate; on the broker: rabbitmqctl import_definitions definitions.json',
        ],
      ],
      load: async () => (await handlers()).definitions,
    },
    {
      name: 'issue',
      summary: 'make the certificate by which clients know the broker',
      arguments: [
        { name: 'NAME', summary: 'lower-case letters, digits and dashes' },
        { name: 'ADDRESS', summary: 'a host name or IP address by which it is reached', variadic: true },
      ],
      options: [out, authorityOption],
      output: ['json'],
      examples: [
        [
          'cmig broker issue mq mq.example.net 10.20.0.5 --out ./mq',
          'for a broker with a name and an address',
        ],
      ],
      load: async () => (await handlers()).issueBroker,
    },
  ],
};

export const revokeHost: CommandSpec = {
  name: 'revoke',
  summary: 'let nobody in any more by the certificate of a host, since somebody else has it',
  description: 'Its peers go on sending it files until it is removed: cmig host remove --lost.',
  arguments: [{ name: 'NAME', summary: 'the host' }],
  options: [authorityOption],
  examples: [
    ['cmig host revoke host-a', 'somebody was root there; then the definitions anew, on the broker'],
  ],
  load: async () => (await handlers()).revokeHost,
};

export const issueHost: CommandSpec = {
  name: 'issue',
  summary: 'make the certificate of a host by hand, or make it anew',
  arguments: [{ name: 'NAME', summary: 'the host, as its agent is called' }],
  options: [out, authorityOption],
  output: ['json'],
  examples: [['cmig host issue host-a --out ./host-a', 'for /etc/cmig of host-a']],
  load: async () => (await handlers()).issueHost,
};
