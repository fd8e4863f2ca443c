// What is to be done on a machine before it is the broker, from what it has and what it is to have. Pure.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { parseIdentity } from '../../../contract/identity.ts';
import { renewalMs } from '../../../core/certificate.ts';
import { CmigError } from '../../../core/errors.ts';
import { type InstalledFile, isThere } from '../installed-files.ts';
import { packageManagerOf, packageManagers } from '../packages.ts';
import type { BrokerFacts, BrokerState } from './broker-facts.ts';
import { brokerFiles } from './broker-files.ts';

export const brokerSteps = {
  packages: 'packages',
  certificate: 'certificate',
  configuration: 'configuration',
  service: 'service',
  start: 'start of RabbitMQ',
  users: 'users and permissions',
} as const;
export type BrokerStep = keyof typeof brokerSteps;

export interface WantedBroker {
  /** The authority's certificate. */
  ca: InstalledFile;
  /** Names and IP addresses by which it is reached. */
  addresses: readonly string[];
  configuration: readonly InstalledFile[];
  definitions: BrokerState;
}

export interface BrokerPlan {
  manager: keyof typeof packageManagers;
  packages: string[];
  steps: { step: BrokerStep; changes: string[] }[];
  /** Who is a user there and is no more to be one. */
  leaving: string[];
}

const neededBytes: Record<string, number> = { '/usr': 300e6, '/var/lib': 300e6 };
/** The first with streams. */
const oldest = [3, 9];

/** @throws CmigError `unsupported` with everything that keeps this machine from being the broker; `conflict` where it is another's */
export function checkBrokerMachine(facts: BrokerFacts): void {
  const problems = [
    ...(facts.isRoot ? [] : ['root is not root there: the login is not that of user 0']),
    ...Object.entries(neededBytes)
      .filter(([folder, bytes]) => (facts.freeBytes[folder] ?? 0) < bytes && !facts.isAdded)
      .map(
        ([folder, bytes]) =>
          `${folder} has ${Math.round((facts.freeBytes[folder] ?? 0) / 1e6)} MB left, and ${bytes / 1e6} MB are needed`,
      ),
  ].map((message) => ({ message }));
  if (problems.length > 0)
    throw new CmigError('unsupported', `this machine cannot become the broker: ${problems[0]!.message}`, {
      problems,
    });
  packageManagerOf(facts);
  if (facts.rabbitmq !== undefined && !facts.isAdded)
    throw new CmigError(
      'conflict',
      `the machine has a RabbitMQ already (${facts.rabbitmq}), which is not touched`,
      {
        hint: 'what it needs to serve an installation is printed by: cmig broker install',
      },
    );
}

/** @throws CmigError `unsupported` where it has no streams */
export function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0]! || (major === oldest[0] && minor >= oldest[1]!)) return;
  throw new CmigError(
    'unsupported',
    `the RabbitMQ of this distribution is too old: ${version}, not ${oldest.join('.')}`,
    {
      hint: 'take a machine with a newer distribution, or a RabbitMQ of your own: cmig broker install without an address prints what it needs',
    },
  );
}

export function planBroker(facts: BrokerFacts, wanted: WantedBroker): BrokerPlan {
  const manager = packageManagerOf(facts);
  const packages = facts.rabbitmq === undefined ? [packageManagers[manager].broker] : [];
  const changes = {
    packages: facts.packagesPending && packages.length === 0 ? ['an interrupted installation'] : packages,
    certificate: isCertified(facts, wanted)
      ? []
      : [`${brokerFiles.certificate} for ${wanted.addresses.join(', ')}`],
    configuration: wanted.configuration.filter((file) => !isThere(facts, file)).map(({ path }) => path),
    service: facts.isEnabled ? [] : ['starts with the machine'],
  };
  const { certificate, configuration } = changes;
  const restarts = !facts.isCurrent || certificate.length > 0 || configuration.length > 0;
  const users = planUsers(facts.state, wanted.definitions);
  return {
    manager,
    packages,
    leaving: users.leaving,
    steps: [
      ...Object.entries(changes).map(([step, list]) => ({ step: step as BrokerStep, changes: list })),
      {
        step: 'start',
        changes: facts.state
          ? restarts
            ? ['starts it anew; who is connected comes back']
            : []
          : ['starts it'],
      },
      { step: 'users', changes: users.changes },
    ],
  };
}

/** What RabbitMQ is to be told of users and permissions, and whom it is to forget. */
export function planUsers(
  state: BrokerState | undefined,
  wanted: BrokerState,
): { changes: string[]; leaving: string[] } {
  const leaving = state ? leavingUsers(state, wanted) : [];
  return {
    leaving,
    changes: [...differences(state, wanted), ...leaving.map((name) => `${name} is removed`)],
  };
}

/** Whether the broker is known by a certificate of this authority, for every address, for long enough. */
function isCertified(facts: BrokerFacts, { ca, addresses }: WantedBroker): boolean {
  const key = facts.files[brokerFiles.key];
  if (!facts.certificate || !isThere(facts, ca) || key?.mode !== '600' || key.owner === 'root') return false;
  const certificate = new X509Certificate(facts.certificate);
  const isOurs = certificate.verify(new X509Certificate(ca.content as string).publicKey);
  const covers = addresses.every((address) =>
    isIP(address) ? certificate.checkIP(address) : certificate.checkHost(address),
  );
  return isOurs && covers && Date.parse(certificate.validTo) - Date.now() > renewalMs;
}

/** The names and addresses in its certificate. */
export const addressesOf = (certificate: string | undefined): string[] =>
  certificate
    ? (new X509Certificate(certificate).subjectAltName ?? '')
        .split(', ')
        .map((each) => each.replace(/^(DNS|IP Address):/, ''))
        .filter(Boolean)
    : [];

/** What RabbitMQ has to be told: whose rights it has not as they are to be, and what else it lacks. */
function differences(state: BrokerState | undefined, wanted: BrokerState): string[] {
  const has = <T extends object>(list: readonly T[] | undefined, item: T): boolean =>
    (list ?? []).some((each) =>
      Object.entries(item).every(([key, value]) => (each as Record<string, unknown>)[key] === value),
    );
  const names = wanted.users
    .filter(
      ({ name }) =>
        !has(state?.users, { name } as never) ||
        wanted.permissions.some((each) => each.user === name && !has(state?.permissions, each)) ||
        wanted.topic_permissions.some((each) => each.user === name && !has(state?.topic_permissions, each)),
    )
    .map(({ name }) => name);
  const lacks = (['exchanges', 'queues'] as const).flatMap((kind) =>
    wanted[kind]
      .filter(({ name, vhost }) => !has<{ name: string; vhost: string }>(state?.[kind], { name, vhost }))
      .map(({ name }) => name),
  );
  return [...names, ...lacks];
}

/** Ours, for whom there is no certificate any more; and the one that RabbitMQ makes at first, with a password that all know. */
const leavingUsers = (state: BrokerState, wanted: BrokerState): string[] =>
  state.users
    .map(({ name }) => name)
    .filter((name) => name === 'guest' || parseIdentity(name) !== undefined)
    .filter((name) => !wanted.users.some((each) => each.name === name));
