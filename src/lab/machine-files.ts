// What is on the disk of a host or of the broker before it first boots: keys, the agent's and the services' configuration.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Authority } from '../authority/authority.ts';
import { brokerDefinitions } from '../broker/broker-definitions.ts';
import { type Identity, operatorRoles } from '../contract/identity.ts';
import { runProcess } from '../core/run-process.ts';
import { certificateFiles, ensureCertificate, labOperator } from './lab-access.ts';
import { LabPaths } from './lab-paths.ts';
import {
  applicationRange,
  brokerMachine,
  brokerUrl,
  gatewayAddress,
  hostCgroup,
  hostNames,
  hostsFile,
  type LabPlan,
  machineAddress,
  maximumHosts,
  siteOf,
} from './lab-plan.ts';
import { programPrefix } from './shared-folders.ts';

const brokerUser = 'cmig';
const brokerIdentity: Identity = { role: 'broker', name: brokerMachine };
const definitionsFile = '/etc/cmig/definitions.json';

/** The agent's configuration file, the same as on a real machine. */
export function agentConfiguration(plan: LabPlan, host: string, prefix: string): string {
  return stringify({
    name: host,
    address: machineAddress(plan, host),
    labels: { lab: plan.name, ...(plan.sites ? { site: siteOf(plan, host) } : {}) },
    broker: brokerSettings(plan, host),
    dataDirectory: '/var/lib/cmig',
    runDirectory: '/run/cmig',
    ssh: {
      port: 22,
      hostKeyFile: '/etc/cmig/ssh_host_ed25519_key.pub',
      identityFile: '/etc/cmig/identity',
      authorizedKeysFile: '/var/lib/cmig/ssh/authorized_keys',
    },
    network: {
      bridge: 'cmig0',
      range: applicationRange(plan),
      ...(plan.sites ? { overlay: {} } : { gateway: gatewayAddress(plan) }),
    },
    programs: join(prefix, 'sbin'),
    cgroupParent: hostCgroup(plan.name, host),
  });
}

function brokerSettings(plan: LabPlan, host: string): object {
  const url = brokerUrl(plan);
  // The network is this machine's own.
  if (!plan.tls) return { url, credentialsFile: '/etc/cmig/broker-credentials', insecure: true };
  const { ca, certificate, key } = certificateFiles('/etc/cmig', { role: 'host', name: host });
  return { url, caFile: ca, certificateFile: certificate, keyFile: key };
}

/** Keys only, and only those that the agent has written. */
export function sshdConfiguration(plan: LabPlan, host: string): string {
  return [
    `ListenAddress ${machineAddress(plan, host)}:22`,
    'HostKey /etc/cmig/ssh_host_ed25519_key',
    'AuthorizedKeysFile /var/lib/cmig/ssh/authorized_keys',
    'PermitRootLogin prohibit-password',
    'AuthenticationMethods publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'UseDNS no',
    'X11Forwarding no',
    'PrintMotd no',
    'MaxStartups 100',
    'MaxSessions 100',
    'LoginGraceTime 20',
    'PidFile /run/sshd.pid',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');
}

/** RabbitMQ's configuration in Erlang's own notation, which spares the broker a second of translating it. */
export function brokerConfiguration(plan: LabPlan, password: string): string {
  return `[{rabbit, [
  ${plan.tls ? byCertificate(plan) : byPassword(plan, password)},
  {loopback_users, []}, {disk_free_limit, 50000000}, {vm_memory_high_watermark, {absolute, 536870912}}
]}].
`;
}

const byPassword = (plan: LabPlan, password: string): string => `\
{tcp_listeners, [{"${machineAddress(plan, brokerMachine)}", 5672}]},
  {default_user, <<"${brokerUser}">>}, {default_pass, <<"${password}">>}, {default_vhost, <<"cmig">>},
  {default_user_tags, []}, {default_permissions, [<<".*">>, <<".*">>, <<".*">>]}`;

function byCertificate(plan: LabPlan): string {
  const { ca, certificate, key } = certificateFiles('/etc/cmig', brokerIdentity);
  return `{tcp_listeners, []}, {ssl_listeners, [{"${machineAddress(plan, brokerMachine)}", 5671}]},
  {ssl_options, [{cacertfile, "${ca}"}, {certfile, "${certificate}"}, {keyfile, "${key}"},
    {verify, verify_peer}, {fail_if_no_peer_cert, true}, {versions, ['tlsv1.3', 'tlsv1.2']}]},
  {auth_mechanisms, ['EXTERNAL']}, {ssl_cert_login_from, common_name},
  {load_definitions, "${definitionsFile}"}`;
}

/** Everybody who may come, hosts that are added later included. */
const labDefinitions = (): object =>
  brokerDefinitions([
    ...operatorRoles.map(labOperator),
    ...hostNames(maximumHosts).map((name): Identity => ({ role: 'host', name })),
  ]);

/**
 * The script that starts RabbitMQ, which is configured by its environment and becomes this very process when told to be
 * `detached`. Erlang's own ports are open to the broker's machine only.
 */
export function brokerScript(): string {
  const variables: Record<string, string> = {
    HOME: '/var/lib/rabbitmq',
    RABBITMQ_NODENAME: 'rabbit@localhost',
    RABBITMQ_CONF_ENV_FILE: '/etc/cmig/none',
    RABBITMQ_CONFIG_FILE: '/etc/cmig/rabbitmq',
    RABBITMQ_ENABLED_PLUGINS_FILE: '/etc/cmig/enabled_plugins',
    RABBITMQ_MNESIA_BASE: '/var/lib/rabbitmq/mnesia',
    RABBITMQ_LOG_BASE: '/var/log',
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    detached: '1',
  };
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`);
  return `${exports.join('')}exec /usr/lib/rabbitmq/bin/rabbitmq-server\n`;
}

/** Writes a host's files; its keys are made once and kept. */
export async function writeHostFiles(plan: LabPlan, host: string, credentials: string): Promise<void> {
  const { etc, data } = new LabPaths(plan.name).machine(host);
  await mkdir(etc, { recursive: true });
  await mkdir(data, { recursive: true });
  await Promise.all([
    makeKey(join(etc, 'ssh_host_ed25519_key'), host),
    makeKey(join(etc, 'identity'), `cmig-${host}`),
    writeFile(join(etc, 'hosts'), hostsFile(plan)),
    writeFile(join(etc, 'sshd_config'), sshdConfiguration(plan, host)),
    writeFile(join(etc, 'agent.yaml'), agentConfiguration(plan, host, programPrefix())),
    plan.tls
      ? ensureCertificate(plan, { role: 'host', name: host }, etc)
      : writeSecret(join(etc, 'broker-credentials'), credentials),
  ]);
}

/** Writes the broker's files. @returns the line user:password, which is made once and kept. */
export async function writeBrokerFiles(plan: LabPlan): Promise<string> {
  const paths = new LabPaths(plan.name);
  const { etc } = paths.machine(brokerMachine);
  await mkdir(etc, { recursive: true });
  if (!existsSync(paths.credentials)) {
    await writeSecret(paths.credentials, `${brokerUser}:${randomBytes(18).toString('base64url')}\n`);
  }
  const credentials = await readFile(paths.credentials, 'utf8');
  if (plan.tls) {
    if (!existsSync(paths.authority)) await Authority.create(paths.authority);
    await ensureCertificate(plan, brokerIdentity, etc);
    for (const role of operatorRoles) await ensureCertificate(plan, labOperator(role), paths.certificates);
    await writeFile(join(etc, 'definitions.json'), JSON.stringify(labDefinitions()));
  }
  const password = credentials.trim().slice(brokerUser.length + 1);
  await Promise.all([
    writeFile(join(etc, 'hosts'), hostsFile(plan)),
    writeFile(join(etc, 'enabled_plugins'), plan.tls ? '[rabbitmq_auth_mechanism_ssl].\n' : '[].\n'),
    writeFile(join(etc, 'start-broker'), brokerScript()),
    writeSecret(join(etc, 'rabbitmq.config'), brokerConfiguration(plan, password)),
  ]);
  return credentials;
}

async function writeSecret(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}

/** An ed25519 key without a passphrase, at once complete or not there. */
async function makeKey(file: string, comment: string): Promise<void> {
  if (existsSync(file)) return;
  const made = `${file}.${createHash('sha256').update(randomBytes(8)).digest('hex').slice(0, 8)}`;
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', made]);
  await rename(`${made}.pub`, `${file}.pub`);
  await rename(made, file);
}
