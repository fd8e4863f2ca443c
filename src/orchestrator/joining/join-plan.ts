// What is to be done on a machine before it is a host: from what it has and what it is to have. Pure.
import { renewalMs } from '../../core/certificate.ts';
import { CmigError } from '../../core/errors.ts';
import type { HostFacts } from './host-facts.ts';
import {
  files,
  type InstalledFile,
  identityFile,
  isThere,
  nodeFile,
  pipeMaxBytes,
} from './installed-files.ts';
import { architectures } from './node-runtime.ts';
import { packageManagerOf, packageManagers } from './packages.ts';

export const joinSteps = {
  packages: 'packages',
  runtime: 'agent and Node',
  criu: 'criu and runc',
  key: 'transfer key',
  certificate: 'certificate',
  configuration: 'configuration',
  sshd: 'sshd',
  sysctl: 'kernel settings',
  service: 'service',
  start: 'start of the agent',
} as const;
export type JoinStep = keyof typeof joinSteps;

/** These only matter until a criu works, and Ubuntu and RHEL have not got all of them: the step of criu says so then. */
export const optionalPackages = ['criu', 'runc', 'patchelf'];

export interface WantedFiles {
  /** The authority's certificate, where the host is to have one by it. */
  ca?: InstalledFile | undefined;
  /** WireGuard is needed, too. */
  encrypts?: boolean;
  runtime: readonly InstalledFile[];
  configuration: readonly InstalledFile[];
  sshd: readonly InstalledFile[];
  sysctl: readonly InstalledFile[];
  service: readonly InstalledFile[];
}

export interface PlannedStep {
  step: JoinStep;
  /** What it changes, in a few words; nothing if empty. */
  changes: string[];
}

export interface JoinPlan {
  manager: 'apt-get' | 'dnf';
  packages: string[];
  /** What is fetched to this machine first, in words. */
  toFetch?: string;
  steps: PlannedStep[];
}

const neededBytes: Record<string, number> = { '/opt': 400e6, '/var/lib': 200e6, '/etc': 1e6 };

/** @throws CmigError `unsupported` with everything that keeps this machine from being a host */
export function checkMachine(facts: HostFacts): void {
  const problems = [
    ...(facts.isRoot ? [] : ['root is not root there: the login is not that of user 0']),
    ...(architectures.includes(facts.architecture)
      ? []
      : [`its architecture is ${facts.architecture}, and a host is one of ${architectures.join(', ')}`]),
    ...Object.entries(neededBytes)
      .filter(([folder, bytes]) => (facts.freeBytes[folder] ?? 0) < bytes && !facts.isAdded)
      .map(
        ([folder, bytes]) =>
          `${folder} has ${Math.round((facts.freeBytes[folder] ?? 0) / 1e6)} MB left, and ${bytes / 1e6} MB are needed`,
      ),
    ...(facts.sshd.includes
      ? []
      : ['its /etc/ssh/sshd_config does not include /etc/ssh/sshd_config.d/*.conf']),
  ].map((message) => ({ message }));
  if (problems.length === 0) return void packageManagerOf(facts);
  throw new CmigError('unsupported', `this machine cannot become a host: ${problems[0]!.message}`, {
    problems,
  });
}

/**
 * @param toFetch what must be fetched to this machine, in words, before there is a Node for that one
 * @throws CmigError `unsupported` where the distribution is unknown
 */
export function planJoin(facts: HostFacts, wanted: WantedFiles, toFetch?: string): JoinPlan {
  const manager = packageManagerOf(facts);
  const packages = {
    ...packageManagers[manager].packages,
    ...(wanted.encrypts ? packageManagers[manager].encryption : {}),
  };
  const isMissing = (program: string): boolean =>
    !facts.programs[program] && !(facts.criuTested && optionalPackages.includes(program));
  const missing = [
    ...new Set(
      Object.keys(packages)
        .filter(isMissing)
        .map((program) => packages[program]!),
    ),
  ].sort();
  const differing = (list: readonly InstalledFile[]): string[] =>
    list.filter((file) => !isThere(facts, file)).map(({ path }) => path);
  const newer = facts.distribution.id === 'debian' ? ', and fetches newer ones where it does not work' : '';
  const isKeyThere =
    facts.files[identityFile]?.mode === '600' && facts.files[`${identityFile}.pub`] !== undefined;
  const changes: Record<Exclude<JoinStep, 'start'>, string[]> = {
    packages: facts.packagesPending && missing.length === 0 ? ['an interrupted installation'] : missing,
    runtime: differing(wanted.runtime),
    criu: facts.criuTested ? [] : [`tries what there is${newer}`],
    key: isKeyThere ? [] : [identityFile],
    certificate: isCertified(facts, wanted.ca) ? [] : [files.certificate],
    configuration: differing(wanted.configuration),
    sshd: differing(wanted.sshd),
    sysctl:
      facts.pipeMaxBytes >= pipeMaxBytes ? differing(wanted.sysctl) : wanted.sysctl.map(({ path }) => path),
    service: facts.isEnabled ? differing(wanted.service) : wanted.service.map(({ path }) => path),
  };
  // What the agent reads when it starts.
  const read = ['runtime', 'criu', 'key', 'certificate', 'configuration', 'service'] as const;
  const restarts = read.some((step) => changes[step].length > 0);
  return {
    manager,
    packages: missing,
    ...(toFetch && changes.runtime.includes(nodeFile) ? { toFetch } : {}),
    steps: [
      ...Object.entries(changes).map(([step, list]) => ({ step: step as JoinStep, changes: list })),
      {
        step: 'start',
        changes: facts.isRunning ? (restarts ? ['starts it anew; containers run on'] : []) : ['starts it'],
      },
    ],
  };
}

/** Whether it has what the authority vouches for it by, for long enough; or is not to have it. */
function isCertified(facts: HostFacts, ca: InstalledFile | undefined): boolean {
  if (!ca) return true;
  const left = (facts.certificateUntil?.getTime() ?? 0) - Date.now();
  return isThere(facts, ca) && facts.files[files.certificateKey]?.mode === '600' && left > renewalMs;
}
