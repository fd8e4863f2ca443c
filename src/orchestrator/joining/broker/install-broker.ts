// Sets up RabbitMQ with TLS on a machine that is reached by SSH: looks, plans, does what is missing, and tries it from here.
import { connect } from 'node:tls';
import type { Credentials } from '../../../authority/authority.ts';
import { brokerDefinitions } from '../../../broker/broker-definitions.ts';
import type { Identity } from '../../../contract/identity.ts';
import { CmigError } from '../../../core/errors.ts';
import type { OnProgress } from '../../../core/progress.ts';
import { look } from '../look.ts';
import { runSteps } from '../run-steps.ts';
import type { SshAddress } from '../ssh-address.ts';
import type { SshSession } from '../ssh-session.ts';
import { brokerActions } from './broker-actions.ts';
import { type BrokerFacts, type BrokerState, parseBrokerFacts } from './broker-facts.ts';
import { brokerFiles, caFile, configurationFiles, settingsOf } from './broker-files.ts';
import {
  addressesOf,
  type BrokerPlan,
  type BrokerStep,
  brokerSteps,
  checkBrokerMachine,
  planBroker,
} from './broker-plan.ts';

/** What is not given is as it was before. */
export interface InstallBrokerOptions {
  where: SshAddress;
  /** Names and IP addresses by which hosts and operators reach it, beside that of SSH. */
  addresses: readonly string[];
  port?: number | undefined;
  vhost?: string | undefined;
  /** Of the authority. */
  ca: string;
  /** For whom there are certificates. */
  identities: readonly Identity[];
  /** Has the authority make the certificate of a broker that is reached by these addresses. */
  issue: (addresses: readonly string[]) => Promise<Credentials>;
  dryRun: boolean;
  onProgress: OnProgress;
  /** Told what was seen and what will be done, before anything is. */
  onPlan: (facts: BrokerFacts, plan: BrokerPlan) => void;
  signal: AbortSignal;
}

/** What `broker install -o json` prints; stable. */
export interface InstallBrokerReport {
  /** By which hosts and operators reach it. */
  url: string;
  vhost: string;
  addresses: string[];
  dryRun: boolean;
  /** It was the broker before. */
  existed: boolean;
  /** The steps that changed something, or would; none where all was right. */
  changed: { step: BrokerStep; changes: string[] }[];
}

const defaultPort = 5671;
const defaultVhost = 'cmig';

/** @throws CmigError that says what is wrong with the machine; whatever was done stays, and a second run goes on there */
export async function installBroker(
  session: SshSession,
  options: InstallBrokerOptions,
): Promise<InstallBrokerReport> {
  const { where, ca, issue, dryRun, onProgress, signal } = options;
  const facts = await lookAtBroker(session);
  checkBrokerMachine(facts);
  const earlier = settingsOf(facts.isAdded ? facts.configuration : undefined);
  const port = options.port ?? earlier.port ?? defaultPort;
  const vhost = options.vhost ?? earlier.vhost ?? defaultVhost;
  const addresses = [...new Set([where.address, ...options.addresses, ...addressesOf(facts.certificate)])];
  const wanted = {
    ca: caFile(ca),
    addresses,
    configuration: configurationFiles({ port, vhost }, facts.init),
    definitions: brokerDefinitions(options.identities, vhost) as BrokerState,
  };
  const plan = planBroker(facts, wanted);
  options.onPlan(facts, plan);
  const changed = plan.steps.filter(({ changes }) => changes.length > 0);
  const name = where.address.includes(':') ? `[${where.address}]` : where.address;
  const url = `amqps://${name}:${port}/${encodeURIComponent(vhost)}`;
  const report = { url, vhost, addresses, dryRun, existed: facts.isAdded, changed };
  if (dryRun) return report;
  await runSteps(
    [
      ...changed.map(({ step }) => ({
        step,
        title: brokerSteps[step],
        run: () =>
          brokerActions[step]({
            session,
            plan,
            wanted,
            running: facts.state !== undefined,
            issue: () => issue(addresses),
          }),
      })),
      { step: 'answer', title: 'answer of RabbitMQ', run: () => showsItself(where.address, port, ca) },
    ],
    { onProgress, signal },
  );
  return report;
}

export const lookAtBroker = async (session: SshSession): Promise<BrokerFacts> =>
  parseBrokerFacts(await look(session, 'scripts/broker/look.sh', Object.values(brokerFiles)));

const answerMs = 10_000;

/** That it is reached from here, and shows a certificate of this authority for this address. @throws CmigError `unreachable` */
async function showsItself(host: string, port: number, ca: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, ca, timeout: answerMs });
    socket.once('secureConnect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error('it is silent')));
    socket.once('error', reject);
  }).catch((cause: Error) => {
    throw new CmigError(
      'unreachable',
      `RabbitMQ runs, and is not reached from here at ${host}:${port}: ${cause.message}`,
      {
        hint: `does a firewall let port ${port} through? Once it does, run this again`,
        cause,
      },
    );
  });
}
