// Commands about cmig itself.
import type { CommandSpec, OptionSpec } from '../command.ts';

const group = 'Settings';
const handlers = () => import('../commands/config.ts');
const name = { name: 'NAME', summary: 'the context', completes: 'context' } as const;
const broker: OptionSpec = {
  flags: '--broker <URL>',
  summary: 'amqp:// or amqps:// host, port and vhost, without user and password',
};

export const config: CommandSpec = {
  name: 'config',
  group,
  summary: 'the brokers that cmig knows, by name: contexts',
  description:
    'Contexts are kept in $CMIG_CONFIG, or else in cmig/config.yaml below $XDG_CONFIG_HOME or ~/.config.',
  subcommands: [
    {
      name: 'get-contexts',
      summary: 'list the contexts',
      output: ['json', 'yaml', 'name'],
      examples: [['cmig config get-contexts', 'list the contexts; * marks the current one']],
      load: async () => (await handlers()).getContexts,
    },
    {
      name: 'current-context',
      summary: 'print the name of the current context',
      examples: [['cmig config current-context', 'which broker commands talk to']],
      load: async () => (await handlers()).currentContext,
    },
    {
      name: 'use-context',
      aliases: ['use'],
      summary: 'make a context the current one',
      arguments: [name],
      examples: [['cmig config use-context lab', 'talk to the lab from now on']],
      load: async () => (await handlers()).useContext,
    },
    {
      name: 'set-context',
      summary: 'add a context, or change one',
      arguments: [name],
      options: [
        broker,
        {
          flags: '--credentials-file <FILE>',
          summary: 'a file with one line user:password',
          completes: 'file',
        },
        {
          flags: '--certificate <FILE>',
          summary: 'who you are: the certificate that the authority has made for you (cmig operator add)',
          completes: 'file',
        },
        { flags: '--key <FILE>', summary: 'the key of the certificate', completes: 'file' },
        {
          flags: '--ca <FILE>',
          summary: 'the certificate of the authority, by which the broker is known',
          completes: 'file',
        },
        {
          flags: '--insecure',
          summary: 'speak to this broker without TLS, though it is on another machine',
        },
        { flags: '--use', summary: 'make it the current one as well' },
      ],
      examples: [
        [
          'cmig config set-context prod --broker amqps://mq.example.net/cmig --ca ann/ca.crt --certificate ann/viewer.ann.crt --key ann/viewer.ann.key --use',
          'add a context by certificate, and use it',
        ],
      ],
      load: async () => (await handlers()).setContext,
    },
    {
      name: 'delete-context',
      summary: 'forget a context',
      arguments: [name],
      examples: [['cmig config delete-context prod', 'forget it; the broker and its hosts stay as they are']],
      load: async () => (await handlers()).deleteContext,
    },
  ],
};

export const explain: CommandSpec = {
  name: 'explain',
  group,
  summary: 'the fields of a manifest and what they mean',
  arguments: [
    {
      name: 'PATH',
      summary: 'a kind, or a field below it, such as application.spec.containers',
      completes: 'field',
    },
  ],
  options: [{ flags: '--recursive', summary: 'the names and types of all that is below it, as a tree' }],
  output: ['json', 'yaml'],
  examples: [
    ['cmig explain application', 'the fields of an application'],
    ['cmig explain application.spec --recursive', 'all of them at a glance'],
    ['cmig explain application.spec.containers.ready', 'one field and what is below it'],
  ],
  load: async () => (await import('../commands/explain.ts')).run,
};

export const completion: CommandSpec = {
  name: 'completion',
  group,
  summary: 'print a script by which a shell completes the words of cmig',
  arguments: [
    { name: 'SHELL', summary: 'one of', choices: [{ name: 'bash' }, { name: 'zsh' }, { name: 'fish' }] },
  ],
  examples: [
    ['source <(cmig completion bash)', 'for this bash'],
    ['cmig completion fish > ~/.config/fish/completions/cmig.fish', 'for every fish'],
  ],
  load: async () => (await import('../commands/completion.ts')).run,
};

/** What the completion scripts call; its words are those typed so far, the last one unfinished. */
export const complete: CommandSpec = {
  name: '__complete',
  hidden: true,
  summary: 'print what may stand in place of the last word',
  arguments: [{ name: 'WORD', summary: 'the words typed so far', optional: true, variadic: true }],
  load: async () => (await import('../commands/complete.ts')).run,
};

export const version: CommandSpec = {
  name: 'version',
  group,
  summary: 'print the version of cmig and of the protocol it speaks',
  output: ['json', 'yaml'],
  examples: [['cmig version -o json', 'for a program']],
  load: async () => (await import('../commands/version.ts')).run,
};
