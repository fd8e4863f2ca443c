// The files of a host: what is to be on it and with what mode, so that what is right already is told by its digest.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'yaml';
import type { Credentials } from '../../authority/authority.ts';
import { CmigError } from '../../core/errors.ts';
import { projectFolder } from '../../core/project-folder.ts';
import type { HostFacts } from './host-facts.ts';
import type { MachineFacts } from './machine-facts.ts';
import type { NodeRuntime } from './node-runtime.ts';

/** Everything that belongs to the host's set-up and to no one file's place in the system. */
export const prefix = '/opt/cmig';
export const hostFolder = `${prefix}/host`;
export const nodeFile = `${hostFolder}/node`;
export const identityFile = '/etc/cmig/identity';
export const authorizedKeysFile = '/var/lib/cmig/ssh/authorized_keys';
export const files = {
  configuration: '/etc/cmig/agent.yaml',
  credentials: '/etc/cmig/broker-credentials',
  ca: '/etc/cmig/ca.crt',
  certificate: '/etc/cmig/host.crt',
  certificateKey: '/etc/cmig/host.key',
  sshd: '/etc/ssh/sshd_config.d/cmig.conf',
  sysctl: '/etc/sysctl.d/90-cmig.conf',
  unit: '/etc/systemd/system/cmig-agent.service',
  init: '/etc/init.d/cmig-agent',
} as const;

export interface InstalledFile {
  path: string;
  mode: string;
  /** root where absent; made by the machine's package where it is none of ours. */
  owner?: string;
  sha256: string;
  /** What it holds, or the file here that is copied. */
  content: string | { file: string };
}

export const textFile = (path: string, mode: string, content: string, owner?: string): InstalledFile => ({
  ...{ path, mode, ...(owner === undefined ? {} : { owner }) },
  sha256: createHash('sha256').update(content).digest('hex'),
  content,
});

async function copied(path: string, mode: string, file: string): Promise<InstalledFile> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash).catch((cause) => {
    throw new CmigError('failed', `what a host is given cannot be read here: ${file}`, {
      hint: 'run scripts/setup.sh',
      cause,
    });
  });
  return { path, mode, sha256: hash.digest('hex'), content: { file } };
}

/** The agent and what tries criu, the same on every host: its name there, its mode, and where it is here. */
const runtime: [name: string, mode: string, source: string][] = [
  ['agent.mjs', '644', 'dist/cmig-agent.mjs'],
  ['start', '755', 'scripts/host/start'],
  ...['apt-suite.sh', 'criu.sh', 'criu-selftest.sh'].map((name): [string, string, string] => [
    `setup/${name}`,
    '755',
    `scripts/setup/${name}`,
  ]),
];

/** Where `runtimeFiles` are, which is known before the machine is. */
export const runtimePaths = [nodeFile, ...runtime.map(([name]) => `${hostFolder}/${name}`)];

/** The agent, the Node of the host's architecture, and what tries criu. */
export async function runtimeFiles({ sha256, file }: NodeRuntime): Promise<InstalledFile[]> {
  return [
    { path: nodeFile, mode: '755', sha256, content: { file } },
    ...(await Promise.all(
      runtime.map(([name, mode, source]) =>
        copied(`${hostFolder}/${name}`, mode, join(projectFolder(), source)),
      ),
    )),
  ];
}

export interface HostSettings {
  name: string;
  address: string;
  sshPort: number;
  labels: Record<string, string>;
  brokerUrl: string;
  /** The broker's network is ours alone: it may be spoken to without TLS. */
  insecure: boolean;
  /** It knows itself by a certificate. */
  certified: boolean;
  hostKeyFile: string;
  bridge: string;
  range: string;
  gateway?: string | undefined;
  overlay?: object | undefined;
  cgroupParent?: string | undefined;
  /** What its configuration has of which "cmig host add" knows nothing: written there by hand, and kept. */
  others?: Record<string, unknown> | undefined;
}

/** The agent's configuration; see the README's part on hosts. */
export const configurationText = (settings: HostSettings, withCredentials: boolean): string =>
  stringify({
    name: settings.name,
    address: settings.address,
    labels: settings.labels,
    broker: {
      url: settings.brokerUrl,
      ...(withCredentials ? { credentialsFile: files.credentials } : {}),
      ...(settings.certified
        ? { certificateFile: files.certificate, keyFile: files.certificateKey, caFile: files.ca }
        : {}),
      ...(settings.insecure ? { insecure: true } : {}),
    },
    ssh: {
      port: settings.sshPort,
      hostKeyFile: settings.hostKeyFile,
      identityFile,
      authorizedKeysFile,
    },
    network: {
      bridge: settings.bridge,
      range: settings.range,
      ...(settings.gateway ? { gateway: settings.gateway } : {}),
      ...(settings.overlay ? { overlay: settings.overlay } : {}),
    },
    programs: `${prefix}/sbin`,
    ...(settings.cgroupParent ? { cgroupParent: settings.cgroupParent } : {}),
    ...settings.others,
  });

/** The authority's certificate is what the others are judged by: where it is another one, all are made anew. */
export const certificateFiles = ({ ca, certificate, key }: Credentials): InstalledFile[] => [
  textFile(files.certificate, '644', certificate),
  textFile(files.certificateKey, '600', key),
  caFile(ca),
];
export const caFile = (ca: string): InstalledFile => textFile(files.ca, '644', ca);

export function configurationFiles(settings: HostSettings, credentials: string | undefined): InstalledFile[] {
  return [
    textFile(files.configuration, '600', configurationText(settings, credentials !== undefined)),
    ...(credentials === undefined ? [] : [textFile(files.credentials, '600', credentials)]),
  ];
}

/** The keys of peers stand in a file of the agent's own, which sshd is to read beside what it reads for root anyway. */
export function sshdFile({ sshd }: Pick<HostFacts, 'sshd'>): InstalledFile {
  const others = sshd.authorizedKeys.filter((file) => file !== authorizedKeysFile);
  const all = [...(others.length > 0 ? others : ['.ssh/authorized_keys']), authorizedKeysFile];
  return textFile(files.sshd, '644', `Match User root\n  AuthorizedKeysFile ${all.join(' ')}\n`);
}

/** Post-copy sends pages through pipes, which the kernel makes smaller than it must for a process without CAP_SYS_RESOURCE. */
export const pipeMaxBytes = 67_108_864;
export const sysctlFile = (): InstalledFile =>
  textFile(files.sysctl, '644', `# Put here by "cmig host add".\nfs.pipe-max-size = ${pipeMaxBytes}\n`);

/** What the machine's init runs. */
export async function serviceFile(init: HostFacts['init']): Promise<InstalledFile> {
  const [path, mode, name] =
    init === 'systemd' ? [files.unit, '644', 'cmig-agent.service'] : [files.init, '755', 'cmig-agent.init'];
  return textFile(path!, mode!, await readFile(join(projectFolder(), 'scripts/host', name!), 'utf8'));
}

/** Whether a file is there as it is to be. */
export const isThere = (
  { files: there }: Pick<MachineFacts, 'files'>,
  { path, mode, owner, sha256 }: InstalledFile,
): boolean => {
  const found = there[path];
  return found?.mode === mode && found.sha256 === sha256 && (owner === undefined || found.owner === owner);
};
