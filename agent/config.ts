// The configuration file of an agent: one YAML file, whether the host is a real machine or a lab's.
import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import Type from 'typebox';
import { parse } from 'yaml';
import { readTls, type TlsFiles } from '../src/broker/broker-tls.ts';
import { identityText } from '../src/contract/identity.ts';
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
        /** This host's certificate, its key and the authority's certificate: all three, or none. */
        certificateFile: Type.Optional(Path),
        keyFile: Type.Optional(Path),
        caFile: Type.Optional(Path),
        /** The broker's network is ours alone: it may do without certificates. */
        insecure: Type.Optional(Type.Boolean()),
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
        /** Where hosts share no segment: VXLAN among all that reach each other by IP; the agent makes the bridge. */
        overlay: Type.Optional(
          Type.Object(
            {
              /** Of UDP; the same on all hosts. */
              port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
              /** Tells installations on the same hosts apart. */
              id: Type.Optional(Type.Integer({ minimum: 1, maximum: 16_777_215 })),
              /** WireGuard; `between-sites`, by the label `site`, if absent. The same on all hosts. */
              encryption: Type.Optional(Type.Enum(['between-sites', 'always', 'never'])),
            },
            strict,
          ),
        ),
      },
      strict,
    ),
    /** What applications may have here beyond the defaults. */
    policy: Type.Optional(
      Type.Object(
        {
          /** Capabilities that manifests may add, such as NET_ADMIN. */
          capabilities: Type.Optional(Type.Array(Type.String({ pattern: '^(CAP_)?[A-Z_]+$' }))),
        },
        strict,
      ),
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
  tls: TlsFiles | undefined;
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
    tls: tlsFilesOf(value, file),
  };
}

/** @throws CmigError `invalid` where one is missing, or where it is the certificate of somebody else */
function tlsFilesOf({ name, broker }: AgentConfigFile, file: string): TlsFiles | undefined {
  const { caFile: ca, certificateFile: certificate, keyFile: key } = broker;
  if (!ca && !certificate && !key) {
    if (!broker.url.startsWith('amqps:') || broker.insecure) return undefined;
    throw new CmigError('invalid', `${file}: a broker with TLS needs this host's certificate`, {
      hint: `cmig host issue ${name} makes it; name it by caFile, certificateFile and keyFile`,
    });
  }
  if (!ca || !certificate || !key)
    throw new CmigError('invalid', `${file}: caFile, certificateFile and keyFile of the broker go together`);
  const files = { ca, certificate, key };
  const { user } = readTls(files);
  const expected = identityText({ role: 'host', name });
  if (user === expected) return files;
  throw new CmigError('invalid', `${certificate} is the certificate of ${user}, and not of ${expected}`, {
    hint: `have one made where the authority is: cmig host issue ${name}`,
  });
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
