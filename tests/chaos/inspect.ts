// What all hosts hold of all applications, found out without any agent: by runc, the kernel, and the disk.
import { readFile } from 'node:fs/promises';
import { runInside } from '../../src/lab/inside.ts';
import { hostCgroup } from '../../src/lab/lab-plan.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { allPids } from '../../src/lab/process-table.ts';
import { type HostSurvey, programOf, readSections, surveyHost } from '../faults/survey.ts';

/** As cmig tells it, and as it therefore must be. */
export interface Claimed {
  name: string;
  host: string;
  address: string;
  mac: string;
  containers: string[];
  runs: boolean;
}

const networkScript = `
echo "== rules"; nft list ruleset
echo "== entries"; bridge fdb show dev cmig-vxlan
echo "== routes"; ip route; ip neigh show nud permanent
echo "== aside"; ls /var/lib/cmig/set-aside 2>/dev/null
# An image whose sender was cut off is gone on with by the next one, or given up after a time.
echo "== incoming"; find /var/lib/cmig/incoming -mindepth 1 -not -path '/var/lib/cmig/incoming/images*'
echo "== checkpoints"; cd /var/lib/cmig/checkpoints && ls -d */* 2>/dev/null
:
`;
const endedStates = ['finished', 'rolled-back', 'committed', 'aborted'];
const passing = /^(criu|runc|rsync|nft|mkfifo)$/;

export interface Inspection {
  problems: string[];
  /** `host application/id` of every checkpoint on disk. */
  checkpoints: string[];
}

export async function inspect(
  lab: string,
  hosts: readonly { name: string; address: string }[],
  claimed: readonly Claimed[],
): Promise<Inspection> {
  const inits = await runningMachines(lab);
  const processes = await processesByCgroup();
  const problems: string[] = [];
  const checkpoints: string[] = [];
  const surveys = new Map<string, HostSurvey | undefined>();
  for (const { name } of hosts) surveys.set(name, await surveyHost(lab, name));
  // One that is stopped keeps its network; after a loss of power it gets another one when it is started.
  const placed = claimed.filter(
    ({ name, host, runs }) => runs || surveys.get(host)?.namespaces.includes(name) !== false,
  );
  for (const { name: host } of hosts) {
    const survey = surveys.get(host);
    if (!survey) {
      problems.push(`${host} is off`);
      continue;
    }
    const mine = claimed.filter((each) => each.host === host);
    const found = [...ofSurvey(survey, mine), ...ofProcesses(processes, hostCgroup(lab, host), mine)];
    const { stdout } = await runInside(inits.get(host)!, ['sh', '-c', networkScript]);
    const sections = readSections(stdout);
    found.push(...ofNetwork(sections, host, hosts, claimed, placed));
    for (const section of ['aside', 'incoming'])
      if (sections.get(section)) found.push(`${section} has ${sections.get(section)}`);
    for (const each of (sections.get('checkpoints') ?? '').split('\n').filter(Boolean))
      checkpoints.push(`${host} ${each}`);
    const unreached = await ofReach(inits.get(host)!, claimed);
    found.push(...unreached);
    problems.push(...found.map((problem) => `${host}: ${problem}`));
  }
  problems.push(...(await ofNames(processes, placed)));
  return { problems, checkpoints };
}

function ofSurvey(survey: HostSurvey, mine: readonly Claimed[]): string[] {
  const problems: string[] = [];
  const names = mine.map(({ name }) => name);
  const running = mine.filter(({ runs }) => runs);
  const wanted = running
    .flatMap(({ name, containers }) => containers.map((each) => `${name}.${each}`))
    .sort();
  const beyond = (list: readonly string[], what: string) => {
    for (const each of new Set(list)) if (!names.includes(each)) problems.push(`${what} of ${each} is left`);
  };
  const alive = survey.containers.filter(({ pid }) => pid > 0).map(({ id }) => id);
  if (alive.sort().join() !== wanted.join()) problems.push(`runc runs [${alive}] and not [${wanted}]`);
  for (const { id, status, pid } of survey.containers)
    if (pid > 0 && status !== 'running') problems.push(`${id} is ${status}`);
  beyond(
    survey.containers.map(({ id }) => id.split('.')[0]!),
    'a container',
  );
  beyond(survey.namespaces, 'a network namespace');
  for (const { name } of running) {
    if (!survey.namespaces.includes(name)) problems.push(`no network namespace of ${name}`);
    if (!survey.linked.includes(name)) problems.push(`the link of ${name} is down`);
  }
  for (const each of survey.locked.filter((name) => name !== '*')) problems.push(`${each} is locked`);
  if (survey.links > survey.namespaces.length) problems.push('a link is left');
  beyond(survey.mounts, 'a mount');
  beyond(
    survey.cgroups.map((path) => path.split('/')[0]!),
    'a cgroup',
  );
  beyond(
    survey.runFolders.map((path) => path.split('/').at(-1)!.split('.')[0]!),
    'a run folder',
  );
  for (const each of survey.frozenCgroups) problems.push(`the cgroup ${each} is frozen`);
  for (const each of survey.strayMounts) problems.push(`${each} is mounted`);
  // What a sender that was cut off has begun to send is given up after two minutes of silence.
  const cutOff = /^images\/\.incoming\//;
  for (const each of survey.temporary) if (!cutOff.test(each)) problems.push(`${each} is left`);
  const there = survey.applications.map(({ name }) => name).sort();
  if (there.join() !== [...names].sort().join())
    problems.push(`has files of [${there}] and not of [${names}]`);
  for (const { name, migration } of survey.applications)
    if (migration) problems.push(`the record of ${name} names ${migration}`);
  for (const { id, state } of survey.journals)
    if (!endedStates.includes(state)) problems.push(`${id} is ${state}`);
  const shims: string[] = [];
  for (const { argv, state } of survey.processes) {
    const program = programOf(argv);
    const told = argv.join(' ').slice(0, 120);
    if (state === 'T' || state === 't') problems.push(`${told} is stopped`);
    if (passing.test(program)) problems.push(`${told} runs`);
    if (program === 'conmon') shims.push(argv[argv.indexOf('-c') + 1]!);
    if (argv.some((word) => /\/containers\/[^/]+\/hook$/.test(word))) problems.push(`the hook ${told} waits`);
  }
  if (shims.sort().join() !== wanted.join()) problems.push(`has shims of [${shims}] and not of [${wanted}]`);
  return problems;
}

/** Cgroup path below the root -> processes in it. */
async function processesByCgroup(): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const pid of await allPids()) {
    const paths = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    const path = /^\d+:[^:]*:(\/cmig-lab-.*)$/m.exec(paths)?.[1];
    if (path) found.set(path, [...(found.get(path) ?? []), pid]);
  }
  return found;
}

function ofProcesses(all: ReadonlyMap<string, number[]>, parent: string, mine: readonly Claimed[]): string[] {
  const wanted = mine
    .filter(({ runs }) => runs)
    .flatMap(({ name, containers }) => containers.map((each) => `${parent}/${name}/${each}`));
  return [
    ...[...all.keys()]
      .filter((path) => path.startsWith(`${parent}/`) && !wanted.includes(path))
      .map((path) => `processes run in ${path}`),
    ...wanted.filter((path) => !all.has(path)).map((path) => `no process runs in ${path}`),
  ];
}

function ofNetwork(
  sections: ReadonlyMap<string, string>,
  host: string,
  hosts: readonly { name: string; address: string }[],
  claimed: readonly Claimed[],
  placed: readonly Claimed[],
): string[] {
  const problems: string[] = [];
  const known = new Set(claimed.map(({ address }) => address));
  for (const section of ['rules', 'routes'] as const)
    for (const [address] of (sections.get(section) ?? '').matchAll(/\b10\.\d+\.\d+\.\d+\b/g)) {
      const third = Number(address.split('.')[2]);
      // From 127 on these are of hosts.
      if (third < 127 && address.split('.')[3] !== '0' && !known.has(address))
        problems.push(`its ${section} name ${address}, which is nobody's`);
    }
  const entries = [...(sections.get('entries') ?? '').matchAll(/^(\S+) dst (\S+) .*$/gm)]
    .map(([, mac, to]) => ({ mac, to }))
    .filter(({ mac }) => !mac!.startsWith('02:6d:0a:'));
  for (const { mac, to } of entries) {
    const owner = claimed.find((each) => each.mac === mac);
    const at = hosts.find(({ address }) => address === to)?.name;
    if (!owner || owner.host !== at)
      problems.push(`sends ${mac} (${owner?.name ?? 'nobody'}, on ${owner?.host}) to ${at ?? to}`);
  }
  for (const { mac, name, host: at } of placed)
    if (at !== host && !entries.some((each) => each.mac === mac))
      problems.push(`has no entry for ${name} (${mac}) on ${at}`);
  return problems;
}

async function ofReach(init: number, claimed: readonly Claimed[]): Promise<string[]> {
  const running = claimed.filter(({ runs }) => runs);
  const pings = running.map(
    ({ address }) => `busybox ping -c 1 -W 3 ${address} > /dev/null || echo ${address}`,
  );
  const { stdout } = await runInside(init, ['sh', '-c', [...pings, ':'].join('\n')]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(
      (address) => `does not reach ${running.find((each) => each.address === address)?.name} (${address})`,
    );
}

/** The hosts file of each container names all applications, and nobody else. */
async function ofNames(all: ReadonlyMap<string, number[]>, claimed: readonly Claimed[]): Promise<string[]> {
  const problems: string[] = [];
  const wanted = claimed.map(({ name, address }) => `${address} ${name}`).sort();
  for (const { name, host, runs } of claimed) {
    if (!runs) continue;
    for (const [path, pids] of all) {
      if (!path.includes(`/${host}/${name}/`)) continue;
      // Some of them may have ended by now.
      const texts = pids.map((pid) => readFile(`/proc/${pid}/root/etc/hosts`, 'utf8').catch(() => ''));
      const text = (await Promise.all(texts)).find(Boolean) ?? '';
      const told = text.split('# Other applications')[1]?.split('\n').slice(1).filter(Boolean).sort() ?? [];
      if (told.join() !== wanted.join())
        problems.push(`${path} knows the names [${told}] and not [${wanted}]`);
    }
  }
  return problems;
}
