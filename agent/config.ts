// The configuration file of an agent: one YAML file, whether the host is a real machine or a lab's.
import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import Type from 'typebox';
import { parse } from 'yaml';
import { namePattern } from '../src/contract/protocol.ts';
import { CmigError } from '../src/core/errors.ts';

const strict = { additionalProperties: false };
const Path = Type.String({ pattern: '^/' });

export const AgentConfig = Type.Object(
  {
    name: Type.String({ pattern: namePattern, description: 'The name of this host.' }),
    address: Type.String({ description: 'Where peers reach this host by SSH.' }),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
    broker: Type.Object(
      {
        url: Type.String({ pattern: '^amqps?://', description: 'Without user and password.' }),
        credentialsFile: Type.Optional(Type.String({ description: 'One line: user:password.' })),
      },
      strict,
    ),
    dataDirectory: Type.Optional(Path),
    runDirectory: Type.Optional(Path),
    ssh: Type.Object(
      {
        port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
        /** The public host key of this machine, announced to peers, who pin it. */
        hostKeyFile: Path,
        /** The private key with which this host sends to peers; `.pub` stands beside it. */
        identityFile: Path,
        /** Written by the agent: the peers' keys, each allowed to do nothing but deliver. */
        authorizedKeysFile: Path,
      },
      strict,
    ),
    network: Type.Object(
      {
        /** The bridge to which applications are attached. */
        bridge: Type.String(),
        /** Their range in CIDR notation; all hosts of one installation share it. */
        range: Type.String(),
        gateway: Type.Optional(Type.String()),
      },
      strict,
    ),
    /** Where criu and runc are looked for before PATH. */
    programs: Type.Optional(Path),
    /** Below this cgroup all containers of this host live. */
    cgroupParent: Type.Optional(Path),
    logLevel: Type.Optional(Type.Enum(['debug', 'info', 'warn', 'error'])),
  },
  strict,
);
export type AgentConfigFile = Type.Static<typeof AgentConfig>;

/** The file with its defaults filled in, and the broker's credentials read. */
export interface AgentConfig extends AgentConfigFile {
  labels: Record<string, string>;
  dataDirectory: string;
  runDirectory: string;
  cgroupParent: string;
  ssh: AgentConfigFile['ssh'] & { port: number };
  credentials: { user: string; password: string } | undefined;
}

/** @throws CmigError `invalid` that names the file and every key that is wrong. */
export async function readAgentConfig(file: string): Promise<AgentConfig> {
  const value = parse(
    await readFile(file, 'utf8').catch((cause) => {
      throw new CmigError('invalid', `the configuration file ${file} cannot be read`, { cause });
    }),
  );
  const check = new Ajv({ allErrors: true }).compile<AgentConfigFile>(AgentConfig);
  if (!check(value)) {
    throw new CmigError('invalid', `the configuration file ${file} is wrong`, {
      problems: (check.errors ?? []).map((error) => ({
        where: `${file}${error.instancePath}`,
        message: `${error.message ?? 'is wrong'}${error.params.additionalProperty ? `: ${error.params.additionalProperty}` : ''}`,
      })),
    });
  }
  return {
    ...value,
    labels: value.labels ?? {},
    dataDirectory: value.dataDirectory ?? '/var/lib/cmig',
    runDirectory: value.runDirectory ?? '/run/cmig',
    cgroupParent: value.cgroupParent ?? '/cmig',
    ssh: { ...value.ssh, port: value.ssh.port ?? 22 },
    credentials: value.broker.credentialsFile
      ? await readCredentials(value.broker.credentialsFile)
      : undefined,
  };
}

async function readCredentials(file: string): Promise<{ user: string; password: string }> {
  const line = (
    await readFile(file, 'utf8').catch((cause) => {
      throw new CmigError('invalid', `the credentials file ${file} cannot be read`, { cause });
    })
  ).trim();
  const colon = line.indexOf(':');
  if (colon < 1) throw new CmigError('invalid', `${file} does not hold one line user:password`);
  return { user: line.slice(0, colon), password: line.slice(colon + 1) };
}
