// What lies about on this host though no application and no migration accounts for it.
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountPoints } from '../../src/core/mount-points.ts';
import { hasEnded } from '../migration/journal.ts';
import type { Machine } from '../migration/machine.ts';
import { linkName } from '../network/application-network.ts';
import { namespaceName } from '../network/namespace-path.ts';
import { listProcessTable } from '../runtime/process-table.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { selfTestApplication } from './criu-self-test.ts';
import { ok, quoted, type Said, warning } from './findings.ts';

/** An image that is being delivered grows all the time. */
const deliveryIdleMs = 60 * 60_000;
const lookAgainMs = 400;
const entriesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** What accounts for something. */
interface Known {
  /** Applications of this host, and the one of the self-test. */
  applications: ReadonlySet<string>;
  /** Those that a migration has at this moment: criu may be at work on them. */
  migrating: ReadonlySet<string>;
  /** Migrations that are not over. */
  migrations: ReadonlySet<string>;
}

export async function lookForLeftovers(machine: Machine): Promise<Said[]> {
  let found = await look(machine);
  if (found.length > 0) {
    // What a migration that begins or ends just now makes or removes is found once only.
    await sleep(lookAgainMs);
    const again = new Set((await look(machine)).map(({ message }) => message));
    found = found.filter(({ message }) => again.has(message));
  }
  return found.length > 0 ? found : [ok('nothing lies about')];
}

async function look(machine: Machine): Promise<Said[]> {
  const known = await readKnown(machine);
  const checks = [containers, namespaces, links, mounts, processes, cgroups, deliveries, images, aside];
  return (await Promise.all(checks.map((check) => check(machine, known)))).flat();
}

async function readKnown({ applications, journal }: Machine): Promise<Known> {
  const records = await applications.list();
  const open = (await journal.list()).filter((record) => !hasEnded(record));
  // A committed destination may not have opened yet.
  const taken = records.filter(({ migration }) => migration !== undefined);
  const nameOf = ({ manifest }: ApplicationRecord): string => manifest.metadata.name;
  return {
    applications: new Set([...records.map(nameOf), selfTestApplication]),
    migrating: new Set([
      ...open.map(({ application }) => application),
      ...taken.map(nameOf),
      selfTestApplication,
    ]),
    migrations: new Set([...open.map(({ id }) => id), ...taken.map(({ migration }) => migration!.id)]),
  };
}

type Check = (machine: Machine, known: Known) => Promise<Said[]>;

const containers: Check = async ({ runc, context }, known) =>
  (await runc.list())
    .filter(({ id }) => !known.applications.has(id.split('.')[0]!))
    .map(({ id, status }) =>
      warning(`the container ${id} (${status}) belongs to no application`, {
        command: command(runc.program, `--root=${context.paths.runcRoot}`, 'delete', '--force', id),
      }),
    );

const namespaces: Check = async ({ network }, known) =>
  (await network.list())
    .filter((name) => !known.applications.has(name))
    .map((name) =>
      warning(`the network namespace ${namespaceName(name)} belongs to no application`, {
        command: command('ip', 'netns', 'del', namespaceName(name)),
      }),
    );

const links: Check = async ({ network }, known) => {
  // The link of a stray namespace goes with it.
  const owners = [...known.applications, ...(await network.list())].map(linkName);
  return (await entriesOf('/sys/class/net'))
    .filter((name) => /^cm[0-9a-f]{11}$/.test(name) && !owners.includes(name))
    .map((name) =>
      warning(`the link ${name} belongs to no application`, { command: command('ip', 'link', 'del', name) }),
    );
};

const mounts: Check = async ({ context }, known) =>
  (await mountPoints())
    .filter((point) => {
      const below = relative(context.paths.applicationsDirectory, point);
      return below && !below.startsWith('..') && !known.applications.has(below.split('/')[0]!);
    })
    .reverse()
    .map((point) =>
      warning(`${point} is mounted and belongs to no application`, {
        command: command('umount', '-l', point),
      }),
    );

/** criu, its hooks, and shims: each tells its application by the folder or the id in its command line. */
const processes: Check = async ({ context }, known) => {
  const folder = join(context.paths.runDirectory, 'containers');
  // The agent asks criu about this machine now and then, which takes a moment.
  const earlier = new Set((await listProcessTable()).map(({ pid }) => pid));
  await sleep(lookAgainMs);
  const table = (await listProcessTable()).filter(({ pid }) => earlier.has(pid));
  return table.flatMap(({ pid, name, commandLine }) => {
    const line = commandLine.join(' ');
    const stray = (what: string, id: string) => [
      warning(`${what} of ${id} (process ${pid}) is left from what has ended`, {
        command: command('kill', '-KILL', String(pid)),
      }),
    ];
    const hook = commandLine.find((word) => word.startsWith(`${folder}/`) && word.endsWith('/hook'));
    if (hook) {
      const id = relative(folder, hook).split('/')[0]!;
      return known.migrating.has(id.split('.')[0]!) ? [] : stray("criu's hook", id);
    }
    if (name === 'criu' && known.migrating.size <= 1) return stray('a criu', line.slice(0, 80));
    const id = name === 'conmon' ? commandLine[commandLine.indexOf('-c') + 1] : undefined;
    return id && line.includes(context.paths.runDirectory) && !known.applications.has(id.split('.')[0]!)
      ? stray('the shim', id)
      : [];
  });
};

const cgroups: Check = async ({ context }, known) => {
  const root = '/sys/fs/cgroup';
  const hierarchies = ['', ...(await entriesOf(root))].map((name) =>
    join(root, name, context.config.cgroupParent),
  );
  const strays = new Map<string, string[]>();
  for (const parent of hierarchies) {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isDirectory() || known.applications.has(entry.name)) continue;
      // Only what looks like ours: an application's, with its containers' below it.
      const below = await readdir(join(parent, entry.name), { withFileTypes: true }).catch(() => []);
      if (!below.some((each) => each.isDirectory()) && !strays.has(entry.name)) continue;
      strays.set(entry.name, [...(strays.get(entry.name) ?? []), join(parent, entry.name)]);
    }
  }
  return [...strays].map(([name, folders]) =>
    warning(`the cgroup ${name} belongs to no application`, {
      command: `${command('find', ...folders, '-depth', '-type', 'd', '-exec', 'rmdir')} {} \\;`,
    }),
  );
};

const deliveries: Check = async ({ context }, known) => {
  const { paths } = context;
  const names = await entriesOf(paths.incomingDirectory);
  const stale = names.filter((name) => name.startsWith('m-') && !known.migrations.has(name));
  const images = join(paths.incomingDirectory, 'images');
  for (const name of await entriesOf(images)) {
    const entry = await stat(join(images, name)).catch(() => undefined);
    if (entry && Date.now() - entry.ctimeMs > deliveryIdleMs) stale.push(join('images', name));
  }
  return stale.map((name) =>
    warning(`the delivery ${name} belongs to no migration under way`, {
      command: command('rm', '-rf', join(paths.incomingDirectory, name)),
    }),
  );
};

const images: Check = async ({ journal, context }, known) =>
  (await entriesOf(context.paths.migrationsDirectory))
    .filter((id) => !known.migrations.has(id) && existsSync(journal.imagesFolder(id)))
    .map((id) =>
      warning(`the frozen memory of migration ${id}, which is over, is still there`, {
        command: command('rm', '-rf', journal.imagesFolder(id)),
      }),
    );

const aside: Check = async ({ context }) =>
  (await entriesOf(context.paths.setAsideDirectory)).map((name) => {
    const folder = join(context.paths.setAsideDirectory, name);
    return warning(`an older copy of an application was put aside: ${folder}`, {
      command: command('rm', '-rf', folder),
      hint: 'look first whether its files hold anything that the newer copy lacks',
    });
  });

const command = (...words: string[]): string => words.map(quoted).join(' ');
