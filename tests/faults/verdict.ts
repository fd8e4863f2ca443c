// Judges what stands on all hosts: does exactly one copy run, and is anything left over?
import { type HostSurvey, programOf } from './survey.ts';

export interface Expectation {
  application: string;
  /** Container names. */
  containers: readonly string[];
  /** What runs in each of them, as one process. */
  program: string;
}

export interface Verdict {
  /** Where the one whole copy runs. */
  runsOn?: string;
  /** Why this is no good end; empty where it is one. */
  problems: string[];
}

const endedStates = ['finished', 'rolled-back', 'committed', 'aborted'];
/**
 * What of a migration does not outlive it: programs by the last part of their path. Not ssh: the connection that
 * senders share ends by itself when it was idle for two minutes.
 */
const migrationPrograms = /^(criu|runc|rsync|nft|ip|mkfifo)$/;

export function judge(
  surveys: readonly HostSurvey[],
  { application, containers, program }: Expectation,
): Verdict {
  const ids = containers.map((name) => `${application}.${name}`).sort();
  const running = surveys.filter((survey) => survey.containers.some(({ pid }) => pid > 0));
  const problems: string[] = [];
  if (running.length !== 1)
    problems.push(
      running.length === 0
        ? 'no copy runs'
        : `copies run on ${running.map(({ host }) => host).join(' and ')}`,
    );
  const owner = running.length === 1 ? running[0] : undefined;
  if (owner) problems.push(...problemsOfOwner(owner, application, ids));
  for (const survey of surveys) {
    problems.push(...leftovers(survey, application, survey === owner));
    // Whether runc knows of them or not.
    const running = survey.processes.filter(({ argv }) => programOf(argv) === program).length;
    const expected = survey === owner ? containers.length : 0;
    if (running !== expected) problems.push(`${survey.host}: ${running} × ${program} and not ${expected}`);
  }
  return { ...(owner ? { runsOn: owner.host } : {}), problems };
}

function problemsOfOwner(survey: HostSurvey, application: string, ids: readonly string[]): string[] {
  const problems: string[] = [];
  const note = (text: string): void => void problems.push(`${survey.host}: ${text}`);
  const there = survey.containers.map(({ id }) => id).sort();
  if (there.join() !== ids.join()) note(`runc knows ${there.join(', ')} and not ${ids.join(', ')}`);
  for (const { id, status } of survey.containers) if (status !== 'running') note(`${id} is ${status}`);
  if (survey.locked.includes(application)) note('its network is locked');
  if (!survey.linked.includes(application)) note('its link is down');
  if (survey.applications.some(({ name, migration }) => name === application && migration))
    note('its record still names a migration');
  return problems;
}

function leftovers(survey: HostSurvey, application: string, isOwner: boolean): string[] {
  const problems: string[] = [];
  const note = (text: string): void => void problems.push(`${survey.host}: ${text}`);
  const mine = isOwner ? [application] : [];
  const beyond = (names: readonly string[]): string[] => names.filter((name) => !mine.includes(name));
  for (const name of beyond(survey.namespaces)) note(`a network namespace of ${name} is left`);
  if (survey.links > mine.length) note('a link is left');
  for (const name of beyond(survey.mounts)) note(`a mount of ${name} is left`);
  for (const { name } of survey.applications.filter((each) => !mine.includes(each.name)))
    note(`files of ${name} are left`);
  if (!isOwner) for (const { id, status } of survey.containers) note(`${id} is left, ${status}`);
  for (const cgroup of survey.cgroups)
    if (!mine.includes(cgroup.split('/')[0]!)) note(`the cgroup ${cgroup} is left`);
  for (const cgroup of survey.frozenCgroups) note(`the cgroup ${cgroup} is frozen`);
  for (const path of survey.strayMounts) note(`${path} is still mounted`);
  for (const path of survey.runFolders)
    if (!mine.includes(path.split('/').at(-1)!.split('.')[0]!)) note(`${path} is left`);
  for (const path of survey.temporary) note(`${path} is left`);
  for (const { id, state } of survey.journals)
    if (!endedStates.includes(state)) note(`${id} is still ${state}`);
  for (const { argv, state } of survey.processes) {
    const program = programOf(argv);
    const told = argv.join(' ').slice(0, 120);
    if (state === 'T' || state === 't') note(`${told} is stopped`);
    if (migrationPrograms.test(program)) note(`${told} still runs`);
    if (argv.some((word) => /\/containers\/[^/]+\/hook$/.test(word))) note(`the hook ${told} still waits`);
    if (/^conmon$/.test(program) && !isOwner) note(`${told} still runs`);
  }
  return problems;
}
