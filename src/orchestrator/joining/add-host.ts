// Makes a machine that is reached by SSH a host: looks, plans, does what is missing, and waits until its agent answers.
import type { Credentials } from '../../authority/authority.ts';
import type { Finding } from '../../contract/diagnosis.ts';
import type { Host } from '../../contract/host.ts';
import { checkName } from '../../core/check-name.ts';
import { CmigError, codeOf } from '../../core/errors.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { OrchestratorContext } from '../context.ts';
import { listHosts, readInventory } from '../inventory.ts';
import type { HostFacts } from './host-facts.ts';
import { encrypts, settingsOf } from './host-settings.ts';
import {
  caFile,
  configurationFiles,
  runtimeFiles,
  runtimePaths,
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
import { lookAtHost } from './look.ts';
import { nodeRuntime } from './node-runtime.ts';
import { runSteps } from './run-steps.ts';
import type { SshAddress } from './ssh-address.ts';
import type { SshSession } from './ssh-session.ts';
import { untilWell } from './until-well.ts';

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

/** @throws CmigError that says what is wrong with the machine; whatever was done stays, and a second run goes on there */
export async function addHost(
  context: OrchestratorContext,
  session: SshSession,
  options: AddHostOptions,
): Promise<AddHostReport> {
  const { name, dryRun, onProgress, signal } = options;
  checkName('host', name);
  const known = await knownHosts(context);
  const facts = await lookAtHost(session, runtimePaths);
  checkMachine(facts);
  const node = await nodeRuntime(facts.architecture);
  if (options.mustExist && !facts.isAdded)
    throw new CmigError('conflict', `${name} was not made a host by "cmig host add"`, {
      hint: 'bring it to the new version by hand, as it was set up',
    });
  const records = known.length > 0 ? await listHosts(context) : [];
  const settings = await settingsOf(options, facts, known, records);
  const wanted: WantedFiles = {
    encrypts: encrypts(settings),
    runtime: await runtimeFiles(node),
    ca: options.authority && caFile(options.authority.ca),
    configuration: configurationFiles(settings, options.credentials),
    sshd: [sshdFile(facts)],
    sysctl: [sysctlFile()],
    service: [await serviceFile(facts.init)],
  };
  const plan = planJoin(facts, wanted, node.toFetch);
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
  let findings: Finding[] = [];
  const authority = options.authority?.issue;
  await runSteps(
    [
      // First, so that where it cannot be had nothing was changed.
      ...(plan.toFetch ? [{ step: 'fetch', title: plan.toFetch, run: () => node.fetch(signal) }] : []),
      ...changed.map(({ step }) => ({
        step,
        title: joinSteps[step],
        run: () => joinActions[step]({ session, facts, plan, wanted, name, issue: authority }),
      })),
      {
        step: 'answer',
        title: 'answer of the agent',
        run: async () => {
          findings = await untilWell(context, name, known, signal);
        },
      },
    ],
    { onProgress, signal },
  );
  return { ...report, findings };
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
