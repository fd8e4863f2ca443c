// What stands on a host, read from the host itself: its kernel, runc and disk. No agent and no command is asked.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInside } from '../../src/lab/inside.ts';
import { LabPaths } from '../../src/lab/lab-paths.ts';
import { hostCgroup } from '../../src/lab/lab-plan.ts';
import { runningMachines } from '../../src/lab/machine.ts';
import { allPids, processesWith } from '../../src/lab/process-table.ts';

export interface HostSurvey {
  host: string;
  /** Of one container each: what runc says of it. */
  containers: { id: string; status: string; pid: number }[];
  /** Applications with a network namespace, with a lock in it, with a link that is up. */
  namespaces: string[];
  locked: string[];
  linked: string[];
  /** Links of applications, by whatever name; more than namespaces where one is left over. */
  links: number;
  /** Applications whose containers have a root file system mounted. */
  mounts: string[];
  /** What runc mounts while it restores. */
  strayMounts: string[];
  processes: { argv: string[]; state: string }[];
  frozenCgroups: string[];
  /** `application` or `application/container` */
  cgroups: string[];
  applications: { name: string; migration?: string }[];
  journals: { id: string; state: string }[];
  /** Everything that is there for a while only: deliveries, uploads, images of frozen memory, halves of folders. */
  temporary: string[];
  /** Of containers, in the run directory. */
  runFolders: string[];
}

const script = `
section() { echo "== $1"; }
section containers; runc --root /run/cmig/runc list --format json
section namespaces; ls /run/netns
section locked
for each in /run/netns/cmig-*; do
  [ ! -e "$each" ] || nsenter --net="$each" nft list tables | grep -q cmig_lock && echo "\${each##*/cmig-}"
done
section linked
for each in /run/netns/cmig-*; do
  [ ! -e "$each" ] || nsenter --net="$each" cat /proc/net/dev | grep -q eth0 &&
    nsenter --net="$each" ip -o link show dev eth0 | grep -q LOWER_UP && echo "\${each##*/cmig-}"
done
section links; ip -o link show | grep -cE ': cm[0-9a-f]{11}@'
section strayMounts; grep -o '/run/cmig/runc/[^ ]*' /proc/mounts
section mounts; sed -n 's|^[^ ]* /var/lib/cmig/applications/\\([^/]*\\)/.*|\\1|p' /proc/mounts
section runFolders; ls -d /run/cmig/runc/* /run/cmig/containers/* /run/cmig/s/* 2>/dev/null
section temporary
cd /var/lib/cmig
ls -d incoming/m-* restores/* checkpoints/*/.[!.]* migrations/*/* applications/.[!.]* images/.incoming/* 2>/dev/null | grep -v '/journal.json$'
for each in applications/*; do [ ! -e "$each" ] || [ -e "$each/application.json" ] || echo "$each without a record"; done
find . -maxdepth 4 -name '*.tmp' -not -path './images/*' -not -path './layers/*'
ls -d /run/cmig/exits/* 2>/dev/null
:
`;

/** What stands below each line `== NAME`, by its name. */
export function readSections(text: string): Map<string, string> {
  return new Map(
    text
      .split(/^== /m)
      .slice(1)
      .map((section) => {
        const end = section.indexOf('\n');
        return [section.slice(0, end), section.slice(end + 1).trim()] as const;
      }),
  );
}

/** Undefined where the host is powered off. */
export async function surveyHost(lab: string, host: string): Promise<HostSurvey | undefined> {
  const init = (await runningMachines(lab)).get(host);
  if (init === undefined) return undefined;
  const { stdout } = await runInside(init, ['sh', '-c', script]);
  const sections = readSections(stdout);
  const lines = (name: string): string[] => (sections.get(name) ?? '').split('\n').filter(Boolean);
  const paths = new LabPaths(lab).machine(host);
  return {
    host,
    containers: (JSON.parse(sections.get('containers') || 'null') ?? []) as HostSurvey['containers'],
    namespaces: lines('namespaces').map((name) => name.replace(/^cmig-/, '')),
    locked: lines('locked'),
    linked: lines('linked'),
    links: Number(sections.get('links')),
    mounts: lines('mounts'),
    strayMounts: lines('strayMounts'),
    temporary: lines('temporary'),
    runFolders: lines('runFolders'),
    processes: await readProcesses(init),
    ...(await readCgroups(hostCgroup(lab, host))),
    applications: await readApplications(join(paths.data, 'applications')),
    journals: await readJournals(join(paths.data, 'migrations')),
  };
}

/** Those in the host's pid namespace, and those that they have put into one of a container. */
async function readProcesses(init: number): Promise<HostSurvey['processes']> {
  const here = new Set((await processesWith(init)).map(({ pid }) => pid));
  const all = await Promise.all(
    (await allPids()).map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
      const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, parent: Number(parent), state, argv: line.split('\0').slice(0, -1) };
    }),
  );
  for (let before = -1; before < here.size; ) {
    before = here.size;
    for (const { pid, parent } of all) if (here.has(parent)) here.add(pid);
  }
  return all
    .filter(({ pid, state }) => here.has(pid) && !['', 'Z', 'X'].includes(state))
    .map(({ argv, state }) => ({ argv, state }));
}

async function readCgroups(parent: string): Promise<{ cgroups: string[]; frozenCgroups: string[] }> {
  const root = '/sys/fs/cgroup';
  const cgroups = new Set<string>();
  const frozenCgroups: string[] = [];
  for (const hierarchy of ['', ...(await readdir(root))]) {
    const folder = join(root, hierarchy, parent);
    if (!existsSync(folder)) continue;
    const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
    for (const entry of entries.filter((each) => each.isDirectory())) {
      const path = join(entry.parentPath, entry.name);
      cgroups.add(path.slice(folder.length + 1));
      const frozen = await readFile(join(path, 'freezer.state'), 'utf8').catch(() => '');
      if (frozen && frozen.trim() !== 'THAWED') frozenCgroups.push(path.slice(folder.length + 1));
    }
  }
  return { cgroups: [...cgroups], frozenCgroups };
}

async function readApplications(folder: string): Promise<HostSurvey['applications']> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));
  const records = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name, 'application.json'), 'utf8').catch(() => '{}');
      const { migration } = JSON.parse(text) as { migration?: { id: string } };
      return { name, ...(migration ? { migration: migration.id } : {}) };
    }),
  );
  return records;
}

async function readJournals(folder: string): Promise<HostSurvey['journals']> {
  const ids = await readdir(folder).catch(() => []);
  const journals = await Promise.all(ids.map((id) => readJournal(folder, id)));
  return journals.filter((journal) => journal !== undefined);
}

/** What a host has written down of a migration; undefined where nothing. */
export async function readJournal(
  folder: string,
  id: string,
): Promise<{ id: string; state: string; role: string } | undefined> {
  const text = await readFile(join(folder, id, 'journal.json'), 'utf8').catch(() => '');
  return text ? (JSON.parse(text) as { id: string; state: string; role: string }) : undefined;
}

/** criu and sshd write over their arguments, in one piece. */
export const programOf = ([path = '']: readonly string[]): string =>
  path.split(/[ :]/)[0]!.split('/').at(-1) ?? '';
