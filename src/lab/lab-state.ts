// The plan of a lab on disk, and the choice of a network range that nobody on this machine uses.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { runProcess } from '../core/run-process.ts';
import { LabPaths } from './lab-paths.ts';
import { firstOctet, type LabPlan, lastOctet, linkAlias } from './lab-plan.ts';

/** Undefined where there is no such lab. @throws CmigError `failed` where its file is damaged. */
export async function readPlan(lab: string): Promise<LabPlan | undefined> {
  return readJson<LabPlan>(new LabPaths(lab).plan);
}

export async function writePlan(plan: LabPlan): Promise<void> {
  await writeJson(new LabPaths(plan.name).plan, plan);
}

/** The names of all labs that have a folder here. */
export async function listLabs(): Promise<string[]> {
  const names = await readdir(LabPaths.parent).catch(() => [] as string[]);
  return names.filter((name) => existsSync(new LabPaths(name).plan)).sort();
}

export async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CmigError('failed', `${file} is damaged`, { hint: 'take the lab down and up again', cause });
  }
}

export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The first octet that is free. @throws CmigError `conflict` where none is */
export function chooseOctet(used: readonly string[], taken: ReadonlySet<number>): number {
  for (let octet = firstOctet; octet <= lastOctet; octet++) if (isOctetFree(octet, used, taken)) return octet;
  throw new CmigError('conflict', `no range of 10.${firstOctet}.0.0/16 to 10.${lastOctet}.0.0/16 is free`, {
    hint: 'take down labs that are no longer needed',
  });
}

/** Whether 10.<octet>.0.0/16 overlaps none of the `used` ranges and is no other lab's. */
export const isOctetFree = (octet: number, used: readonly string[], taken: ReadonlySet<number>): boolean =>
  !taken.has(octet) && !used.some((range) => overlaps(range, octet));

/** Whether `range`, in CIDR notation, has an address of 10.<octet>.0.0/16; the default route does not count. */
function overlaps(range: string, octet: number): boolean {
  const [address = '', length = '32'] = range.split('/');
  const bits = Number(length);
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || bits === 0) return false;
  const shared = Math.min(bits, 16);
  const high = ((parts[0]! << 8) | parts[1]!) >>> (16 - shared);
  return high === ((10 << 8) | octet) >>> (16 - shared);
}

/** What this machine has addresses and routes for, other than of lab `name`, and the octets of all other labs. */
export async function usedRanges(name: string): Promise<{ used: string[]; taken: Set<number> }> {
  const [addresses, routes, labs] = await Promise.all([
    runProcess('ip', ['-json', '-4', 'addr', 'show']),
    runProcess('ip', ['-json', '-4', 'route', 'show', 'table', 'all']),
    listLabs(),
  ]);
  const all: { ifname: string; ifalias?: string; addr_info: { local: string; prefixlen: number }[] }[] =
    JSON.parse(addresses.stdout || '[]');
  const own = all.filter(({ ifalias }) => ifalias === linkAlias(name)).map(({ ifname }) => ifname);
  const interfaces = all.filter(({ ifname }) => !own.includes(ifname));
  const destinations: { dst: string; dev?: string }[] = JSON.parse(routes.stdout || '[]');
  const others = await Promise.all(
    labs.filter((lab) => lab !== name).map((lab) => readPlan(lab).catch(() => undefined)),
  );
  return {
    used: [
      ...interfaces.flatMap(({ addr_info }) =>
        addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      ),
      ...destinations
        .filter(({ dst, dev }) => dst !== 'default' && !own.includes(dev ?? ''))
        .map(({ dst }) => dst),
    ],
    taken: new Set(others.flatMap((plan) => (plan ? [plan.octet] : []))),
  };
}
