// Makes a machine that is reached by SSH a host: looks, plans, does what is missing, and waits until its agent answers.
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Credentials } from '../../authority/authority.ts';
import type { Finding } from '../../contract/diagnosis.ts';
import type { Host, KnownHost } from '../../contract/host.ts';
import { namePattern } from '../../contract/protocol.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';
import { projectFolder } from '../../core/project-folder.ts';
import { waitFor } from '../../core/retry.ts';
import type { OrchestratorContext } from '../context.ts';
import { diagnoseHosts } from '../diagnosing.ts';
import { listHosts, readInventory } from '../inventory.ts';
import { type HostFacts, parseFacts } from './host-facts.ts';
import {
  caFile,
  configurationFiles,
  files,
  type HostSettings,
  identityFile,
  runtimeFiles,
  serviceFile,
  sshdFile,
  sysctlFile,
} from './installed-files.ts';
import { joinActions } from './join-actions.ts';
import {
  checkMachine,
  type JoinPlan,
  type JoinStep,
  joinSteps,
  planJoin,
  type WantedFiles,
} from './join-plan.ts';
import type { SshAddress } from './ssh-address.ts';
import type { SshSession } from './ssh-session.ts';

/** What is not given is what the host had before, or else what the other hosts have. */
export interface AddHostOptions {
  name: string;
  where: SshAddress;
  /** `type key`, agreed to. */
  hostKey: string;
  labels?: Record<string, string> | undefined;
  /** Where its peers reach it; what the operator's name for it stands for if absent. */
  address?: string | undefined;
  /** The broker as the host reaches it, and as this command does. */
  brokerUrl?: string | undefined;
  contextUrl: string;
  /** Without TLS on purpose. */
  insecure: boolean;
  /** The line user:password. */
  credentials: string | undefined;
  /** Of the authority, where the broker is one with certificates. */
  authority?: { ca: string; issue: () => Promise<Credentials> } | undefined;
  bridge?: string | undefined;
  range?: string | undefined;
  gateway?: string | undefined;
  cgroupParent?: string | undefined;
  dryRun: boolean;
  /** Only what is a host already. */
  mustExist?: boolean;
  onProgress: OnProgress;
  /** Told what was seen and what will be done, before anything is. */
  onPlan: (facts: HostFacts, plan: JoinPlan) => void;
  signal: AbortSignal;
}

/** What `host add -o json` prints; stable. */
export interface AddHostReport {
  host: string;
  address: string;
  dryRun: boolean;
  /** It was a host before. */
  existed: boolean;
  /** The steps that changed something, or would; none where all was right. */
  changed: { step: JoinStep; changes: string[] }[];
  findings: Finding[];
}

const defaultRange = '10.77.0.0/16';

/** @throws CmigError that says what is wrong with the machine; whatever was done stays, and a second run goes on there */
export async function addHost(
  context: OrchestratorContext,
  session: SshSession,
  options: AddHostOptions,
): Promise<AddHostReport> {
  const { name, dryRun, onProgress, signal } = options;
  if (!new RegExp(namePattern).test(name))
    throw new CmigError('invalid', `"${name}" is no name for a host`, {
      hint: 'lower-case letters, digits and dashes, not beginning or ending with a dash',
    });
  const known = await knownHosts(context);
  const runtime = await runtimeFiles();
  const facts = await look(
    session,
    runtime.map(({ path }) => path),
  );
  checkMachine(facts, process.arch);
  if (options.mustExist && !facts.isAdded)
    throw new CmigError('conflict', `${name} was not made a host by "cmig host add"`, {
      hint: 'bring it to the new version by hand, as it was set up',
    });
  const records = known.length > 0 ? await listHosts(context) : [];
  const settings = await settingsOf(options, facts, known, records);
  const wanted: WantedFiles = {
    encrypts: encrypts(settings),
    runtime,
    ca: options.authority && caFile(options.authority.ca),
    configuration: configurationFiles(settings, options.credentials),
    sshd: [sshdFile(facts)],
    sysctl: [sysctlFile()],
    service: [await serviceFile(facts.init)],
  };
  const plan = planJoin(facts, wanted);
  options.onPlan(facts, plan);
  const changed = plan.steps.filter(({ changes }) => changes.length > 0);
  const report = {
    host: name,
    address: settings.address,
    dryRun,
    existed: facts.isAdded,
    changed,
    findings: [],
  };
  if (dryRun) return report;
  const titled = [...changed.map(({ step }) => ({ step, title: joinSteps[step] })), answering];
  onProgress({ type: 'planned', steps: titled });
  for (const { step } of changed) {
    if (signal.aborted)
      throw new CmigError('cancelled', 'interrupted; run it again, and it goes on where it was');
    onProgress({ type: 'begun', step });
    await reporting(onProgress, step, () =>
      joinActions[step]({ session, facts, plan, wanted, name, issue: options.authority?.issue }),
    );
  }
  onProgress({ type: 'begun', step: answering.step });
  const findings = await reporting(onProgress, answering.step, () => untilWell(context, name, known, signal));
  return { ...report, findings };
}

const answering = { step: 'answer', title: 'answer of the agent' };

/** Tells how it went. */
export async function reporting<T>(onProgress: OnProgress, step: string, work: () => Promise<T>): Promise<T> {
  try {
    const done = await work();
    onProgress({ type: 'ended', step });
    return done;
  } catch (error) {
    onProgress({ type: 'failed', step });
    throw error;
  }
}

/** What the machine is, by one command there. */
export async function look(session: SshSession, runtimePaths: readonly string[]): Promise<HostFacts> {
  const script = await readFile(join(projectFolder(), 'scripts/host/look.sh'), 'utf8');
  const paths = [...runtimePaths, ...Object.values(files), identityFile, `${identityFile}.pub`];
  return parseFacts((await session.run(script, { args: paths })).stdout);
}

/** None where this is the first. */
async function knownHosts(context: OrchestratorContext): Promise<Host[]> {
  try {
    return (await readInventory(context, { parts: ['hosts'] })).hosts;
  } catch (error) {
    if (codeOf(error) !== 'unreachable') throw error;
    return [];
  }
}

interface EarlierSettings {
  name?: string;
  address?: string;
  labels?: Record<string, string>;
  broker?: { url?: string };
  network?: { bridge?: string; range?: string; gateway?: string; overlay?: object };
  cgroupParent?: string;
}

/** What this command decides; all else in a configuration was written there by hand, and stays. */
const settingsOfAdd = new Set('name address labels broker ssh network programs cgroupParent'.split(' '));

async function settingsOf(
  options: AddHostOptions,
  facts: HostFacts,
  known: readonly Host[],
  records: readonly KnownHost[],
): Promise<HostSettings> {
  const { name, where, hostKey } = options;
  const earlier = (facts.configuration ? parse(facts.configuration) : {}) as EarlierSettings;
  if (facts.configuration && !facts.isAdded)
    throw new CmigError('conflict', 'the machine was made a host by hand: it has an /etc/cmig/agent.yaml', {
      hint: 'look after it by hand, or remove that file and its agent first',
    });
  if (earlier.name !== undefined && earlier.name !== name)
    throw new CmigError('conflict', `the machine is the host ${earlier.name} already`, {
      hint: `cmig host remove ${earlier.name}`,
    });
  const address =
    options.address ??
    earlier.address ??
    (isIP(where.address) ? where.address : (await lookup(where.address)).address);
  const namesake = known.find(({ metadata }) => metadata.name === name);
  if (namesake && namesake.spec.address !== address)
    throw new CmigError('conflict', `there is a host ${name} already, at ${namesake.spec.address}`, {
      hint: 'choose another name, or remove that one first: cmig host remove',
    });
  const hostKeyFile = Object.entries(facts.hostKeys).find(([, key]) => key === hostKey)?.[0];
  if (!hostKeyFile)
    throw new CmigError('unsupported', "the SSH host key that the machine shows is not one of /etc/ssh's", {
      hint: 'does something stand in between, such as a gateway with an sshd of its own?',
    });
  const range =
    options.range ??
    earlier.network?.range ??
    known.map(({ status }) => status.applicationNetwork).find((each) => each !== undefined) ??
    defaultRange;
  return {
    name,
    address,
    sshPort: where.port,
    labels: options.labels ?? earlier.labels ?? {},
    brokerUrl: options.brokerUrl ?? earlier.broker?.url ?? options.contextUrl,
    insecure: options.insecure,
    certified: options.authority !== undefined,
    hostKeyFile,
    bridge: options.bridge ?? earlier.network?.bridge ?? 'cmig0',
    range,
    gateway: options.gateway ?? earlier.network?.gateway,
    overlay: earlier.network?.overlay ?? overlayLike(records),
    cgroupParent: options.cgroupParent ?? earlier.cgroupParent,
    others: Object.fromEntries(Object.entries(earlier).filter(([key]) => !settingsOfAdd.has(key))),
  };
}

/** Whether it may need WireGuard. */
const encrypts = ({ overlay }: HostSettings): boolean =>
  overlay !== undefined && (overlay as { encryption?: string }).encryption !== 'never';

/** The overlay of a new host, by what the other hosts tell of theirs; none where they have none. */
function overlayLike(records: readonly KnownHost[]): object | undefined {
  const overlays = records.flatMap(({ overlay }) => overlay ?? []);
  if (overlays.length === 0) return undefined;
  return overlays.some(({ key }) => key) ? {} : { encryption: 'never' };
}

const answerMs = 60_000;
/** Several announcements. */
const acquaintanceMs = 20_000;

/** Until the agent answers, and what it finds when it looks at itself. @throws CmigError `failed` with its problems */
async function untilWell(
  context: OrchestratorContext,
  name: string,
  known: readonly Host[],
  signal: AbortSignal,
): Promise<Finding[]> {
  await waitFor(
    () =>
      context.rpc.call(name, 'agent.describe', {}, { timeoutMs: 2000 }).then(
        () => true,
        () => false,
      ),
    { timeoutMs: answerMs, intervalMs: 200, what: `an answer of the agent of ${name}`, signal },
  ).catch((cause) => {
    if (codeOf(cause) !== 'timeout') throw cause;
    throw new CmigError('unreachable', `the agent of ${name} does not answer through the broker`, {
      hint: 'does the machine reach the broker by the address in its configuration? If not: --broker URL. Does a broker with certificates know of it (cmig broker definitions)? Its log: journalctl -u cmig-agent, or /var/log/cmig-agent.log',
    });
  });
  await untilAcquainted(context, name, known, signal);
  const [diagnosis] = await diagnoseHosts(context, [name]);
  const findings = (diagnosis?.findings ?? []).filter(({ level }) => level !== 'ok');
  const problems = findings.filter(({ level }) => level === 'problem');
  if (problems.length === 0) return findings;
  throw new CmigError('failed', `the host ${name} is not well`, {
    problems: problems.map(({ check, message, command, hint }) => ({
      where: check,
      message,
      ...(command || hint ? { hint: command ?? hint! } : {}),
    })),
    hint: `see: cmig host doctor ${name}`,
  });
}

/** Until the hosts that answer have heard of it, and so let it in. Does not throw: they will hear of it in any case. */
async function untilAcquainted(
  { rpc }: OrchestratorContext,
  name: string,
  known: readonly Host[],
  signal: AbortSignal,
): Promise<void> {
  const others = known.filter(
    ({ metadata, status }) => metadata.name !== name && status.condition === 'Ready',
  );
  const hasHeard = async (other: string): Promise<boolean> => {
    const { hosts } = await rpc.call(other, 'host.list', {}, { timeoutMs: 2000 });
    return hosts.some((each) => each.name === name && !each.gone);
  };
  await Promise.all(
    others.map(({ metadata }) =>
      waitFor(() => hasHeard(metadata.name).catch(() => false), {
        timeoutMs: acquaintanceMs,
        intervalMs: 100,
        what: `${metadata.name} hearing of ${name}`,
        signal,
      }).catch(() => {}),
    ),
  );
}
