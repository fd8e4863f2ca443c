// A private RabbitMQ for tests: on loopback, with ports and folders of its own; it dies with the process that started it.
import { closeSync, openSync } from 'node:fs';
import { glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authority, writeCredentials } from '../../src/authority/authority.ts';
import { brokerDefinitions } from '../../src/broker/broker-definitions.ts';
import { type BrokerConnection, connectBroker } from '../../src/broker/connection.ts';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, spawnProcess } from '../../src/core/run-process.ts';
import { freePorts } from '../free-ports.ts';

export interface TestBroker {
  /** With the virtual host, without user and password. */
  readonly url: string;
  readonly credentials: { user: string; password: string };
  readonly logDirectory: string;
  /** Where it takes certificates, and whose: with `certificates` only. */
  readonly tlsUrl: string;
  /** A connection to it; the caller closes it. */
  connect(name: string, options?: { reconnect?: boolean }): Promise<BrokerConnection>;
  /** RabbitMQ 3.10 that is killed before it has this on disk never finds its streams again. */
  untilStreamsAreKept(): Promise<void>;
  /** Ends the broker; what is durable stays. Without `kill` it ends in good order. */
  stop(options?: { kill?: boolean }): Promise<void>;
  /** Starts it again after `stop`, and waits until it takes connections. */
  start(): Promise<void>;
  /** Ends everything and removes every file. */
  close(): Promise<void>;
}

const server = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const prefix = 'cmig-rabbitmq-';
const credentials = { user: 'cmig', password: 'not a secret' };
const vhost = 'cmig';
const startupMs = 100_000;

/** Takes about 5 s. `certificates` are of this authority, and its identities are the users. */
export async function startRabbitmq(certificates?: Authority): Promise<TestBroker> {
  await sweep();
  const directory = await mkdtemp(join(tmpdir(), prefix));
  await writeFile(join(directory, 'owner'), `${process.pid} ${await startTimeOf(process.pid)}`);
  const [port, distributionPort, epmdPort, tlsPort] = await freePorts(4);
  const logDirectory = join(directory, 'log');
  await mkdir(logDirectory);
  await writeFile(
    join(directory, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      `default_user = ${credentials.user}`,
      `default_pass = ${credentials.password}`,
      `default_vhost = ${vhost}`,
      'log.file.level = warning',
      'disk_free_limit.absolute = 50MB',
      ...(certificates ? await tlsLines(certificates, directory, tlsPort!) : []),
    ].join('\n'),
  );
  await writeFile(join(directory, 'plugins'), certificates ? '[rabbitmq_auth_mechanism_ssl].\n' : '[].\n');
  const env = {
    HOME: directory,
    detached: 'true', // the script then becomes the server instead of staying beside it
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `cmig-test-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOG_BASE: logDirectory,
    RABBITMQ_PID_FILE: join(directory, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
  const output = openSync(join(directory, 'output'), 'a');
  const stdio = ['ignore', output, output] as const;
  // setpriv: the kernel ends it when this process ends, however that comes about.
  const run = (argv: string[]): BackgroundProcess =>
    spawnProcess('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], { env, stdio, cwd: directory });
  const epmd = run(['epmd', '-port', String(epmdPort), '-address', '127.0.0.1']);
  let node: BackgroundProcess | undefined;

  const broker: TestBroker = {
    url: `amqp://127.0.0.1:${port}/${vhost}`,
    credentials,
    tlsUrl: `amqps://127.0.0.1:${tlsPort}/${vhost}`,
    logDirectory,
    connect: (name, options = {}) => connectBroker({ url: broker.url, credentials, name, ...options }),
    async untilStreamsAreKept() {
      const isKept = async () => {
        for await (const file of glob(join(directory, 'data/*/coordination/*/names.dets')))
          if ((await readFile(file)).includes('rabbit_stream_coordinator')) return true;
        return false;
      };
      await waitFor(isKept, { timeoutMs: 60_000, what: `the stream of ${directory} being kept` });
    },
    async stop({ kill = false } = {}) {
      node?.kill(kill ? 'SIGKILL' : 'SIGTERM');
      await node?.ended;
      node = undefined;
    },
    async start() {
      const started = run([server]);
      node = started;
      let ended = false;
      void started.ended.then(() => {
        ended = true;
      });
      await waitFor(
        async () => {
          if (ended) throw new Error(`RabbitMQ ended: ${await readFile(join(directory, 'output'), 'utf8')}`);
          return broker.connect('wait').then(
            (connection) => connection.close().then(() => true),
            // With definitions there are no users but theirs; whoever refuses a login is there.
            (error: Error) => certificates !== undefined && error.message.includes('refuses the login'),
          );
        },
        { timeoutMs: startupMs, intervalMs: 100, what: `the start of RabbitMQ in ${directory}` },
      );
    },
    async close() {
      await broker.stop({ kill: true });
      epmd.kill('SIGKILL');
      await epmd.ended;
      closeSync(output);
      await endProcessesOf(directory);
      await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
  try {
    await broker.start();
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}

async function tlsLines(authority: Authority, directory: string, port: number): Promise<string[]> {
  const credentials = await authority.issue({ role: 'broker', name: 'test' }, { addresses: ['127.0.0.1'] });
  const files = await writeCredentials(credentials, directory, 'broker');
  const definitions = join(directory, 'definitions.json');
  const [identities, revoked] = [await authority.identities(), await authority.revoked()];
  await writeFile(definitions, JSON.stringify(brokerDefinitions(identities, vhost, revoked)));
  return [
    `listeners.ssl.1 = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${files.ca}`,
    `ssl_options.certfile = ${files.certificate}`,
    `ssl_options.keyfile = ${files.key}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
    'auth_mechanisms.1 = EXTERNAL',
    'auth_mechanisms.2 = PLAIN',
    'ssl_cert_login_from = common_name',
    `load_definitions = ${definitions}`,
  ];
}

/** Ends and removes what runs left that were killed. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const directory = join(tmpdir(), name);
    const [pid, startTime] = (await readFile(join(directory, 'owner'), 'utf8').catch(() => '')).split(' ');
    if (!pid || (await startTimeOf(Number(pid))) === startTime) continue;
    await endProcessesOf(directory);
    await sleep(100);
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function endProcessesOf(directory: string): Promise<void> {
  for (const entry of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`HOME=${directory}`)) process.kill(Number(entry), 'SIGKILL');
  }
}

/** In ticks since the machine started; with the pid it names a process for good. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
