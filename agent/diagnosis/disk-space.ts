// Is there room for what a migration brings, on every file system that the agent writes to?
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from '../migration/machine.ts';
import { imageUsers } from '../store/image-use.ts';
import { ok, problem, quoted, type Said, warning } from './findings.ts';

const MiB = 2 ** 20;
const problemBelowBytes = 256 * MiB;
const warningBelowBytes = 1024 * MiB;
const inMiB = (bytes: number): string => `${Math.floor(bytes / MiB)} MiB`;

export async function lookAtDisk(
  machine: Pick<Machine, 'context' | 'applications' | 'images'>,
): Promise<Said[]> {
  const { paths } = machine.context;
  const folders = [
    paths.dataDirectory,
    paths.imagesDirectory,
    paths.applicationsDirectory,
    paths.migrationsDirectory,
    paths.incomingDirectory,
  ];
  const seen = new Set<number>();
  const said: Said[] = [];
  for (const folder of folders) {
    const entry = await stat(folder).catch(() => undefined);
    // One answer for each file system.
    if (!entry || seen.has(entry.dev)) continue;
    seen.add(entry.dev);
    const { bavail, blocks, bsize, ffree, files } = await statfs(folder);
    const [free, share] = [bavail * bsize, bavail / Math.max(1, blocks)];
    const what = `${inMiB(free)} (${Math.round(share * 100)} %) free in ${folder}`;
    const inodesGone = files > 0 && ffree / files < 0.01;
    const cure = await cureOf(machine, folder);
    if (inodesGone) said.push(problem(`hardly any inode is free in ${folder}`, cure));
    else if (free < problemBelowBytes) said.push(problem(`only ${what}`, cure));
    else if (free < warningBelowBytes || share < 0.05) said.push(warning(`only ${what}`, cure));
    else said.push(ok(what));
  }
  return said;
}

/** What can go without loss: copies that were put aside, and images that nobody uses, which an apply sends again. */
async function cureOf(
  { context, applications, images }: Pick<Machine, 'context' | 'applications' | 'images'>,
  folder: string,
): Promise<{ command?: string; hint: string }> {
  const { paths } = context;
  const used = await imageUsers(applications, paths);
  const unused = (await images.list()).filter(({ digest }) => !used.has(digest)).length;
  const aside = await readdir(paths.setAsideDirectory).catch(() => []);
  const removable = aside.map((name) => join(paths.setAsideDirectory, name));
  const prune = `run "cmig image prune ${context.config.name}" to remove ${unused} images that nobody uses, `;
  return {
    ...(removable.length > 0 ? { command: `rm -rf ${removable.map(quoted).join(' ')}` } : {}),
    hint: `${unused > 0 ? prune : ''}free space in ${folder}, or move applications to another host`,
  };
}
