// The files of a machine that runs the broker: RabbitMQ's configuration, and the certificate by which clients know it.
import type { Credentials } from '../../../authority/authority.ts';
import { type InstalledFile, prefix, textFile } from '../installed-files.ts';

export const brokerFolder = `${prefix}/broker`;
export const definitionsFile = `${brokerFolder}/definitions.json`;
const certificates = '/etc/rabbitmq/cmig';
export const brokerFiles = {
  configuration: '/etc/rabbitmq/rabbitmq.conf',
  environment: '/etc/rabbitmq/rabbitmq-env.conf',
  plugins: '/etc/rabbitmq/enabled_plugins',
  ca: `${certificates}/ca.crt`,
  certificate: `${certificates}/broker.crt`,
  key: `${certificates}/broker.key`,
  epmd: '/etc/systemd/system/epmd.socket.d/cmig.conf',
} as const;

/** Whom RabbitMQ runs as, on every distribution. */
const user = 'rabbitmq';

export interface BrokerSettings {
  port: number;
  vhost: string;
}

/** TLS with client certificates, and nothing else. */
export const brokerConfiguration = ({ port, vhost }: BrokerSettings): string =>
  Object.entries({
    'listeners.tcp': 'none',
    'listeners.ssl.default': port,
    'ssl_options.cacertfile': brokerFiles.ca,
    'ssl_options.certfile': brokerFiles.certificate,
    'ssl_options.keyfile': brokerFiles.key,
    'ssl_options.verify': 'verify_peer',
    'ssl_options.fail_if_no_peer_cert': true,
    'ssl_options.versions.1': 'tlsv1.3',
    'ssl_options.versions.2': 'tlsv1.2',
    'auth_mechanisms.1': 'EXTERNAL',
    ssl_cert_login_from: 'common_name',
    default_vhost: vhost,
  })
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('');

/** What an earlier configuration of ours says. */
export function settingsOf(configuration: string | undefined): Partial<BrokerSettings> {
  const port = /^listeners\.ssl\.default = (\d+)$/m.exec(configuration ?? '')?.[1];
  const vhost = /^default_vhost = (.+)$/m.exec(configuration ?? '')?.[1];
  return { ...(port ? { port: Number(port) } : {}), ...(vhost ? { vhost } : {}) };
}

const mark = '# Put here by "cmig broker install".\n';
/** Erlang's own ports are open to this machine only, and its name stays where the machine's changes. */
const environment = `${mark}NODENAME=rabbit@localhost
ERL_EPMD_ADDRESS=127.0.0.1
SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
`;

export const configurationFiles = (settings: BrokerSettings, init: 'systemd' | 'script'): InstalledFile[] => [
  textFile(brokerFiles.configuration, '644', `${mark}${brokerConfiguration(settings)}`),
  textFile(brokerFiles.environment, '644', environment),
  textFile(brokerFiles.plugins, '644', '[rabbitmq_auth_mechanism_ssl].\n'),
  ...(init === 'systemd'
    ? [textFile(brokerFiles.epmd, '644', `${mark}[Socket]\nListenStream=\nListenStream=127.0.0.1:4369\n`)]
    : []),
];

export const caFile = (ca: string): InstalledFile => textFile(brokerFiles.ca, '644', ca);

/** The authority's certificate is what the others are judged by: it is written last. */
export const certificateFiles = ({ ca, certificate, key }: Credentials): InstalledFile[] => [
  textFile(brokerFiles.certificate, '644', certificate),
  textFile(brokerFiles.key, '600', key, user),
  caFile(ca),
];
