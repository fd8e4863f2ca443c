// What of this machine decides whether a process image of it runs on another, and the other way round.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { arch, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineFacts, securityModules } from '../../src/contract/machine.ts';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import type { Programs } from '../context.ts';
import { missingInstructions, readInstructions } from '../cpu/cpu-instructions.ts';
import type { RunningProcess } from '../cpu/unheld-code.ts';
import type { Runc } from '../runtime/runc.ts';
import type { ApplicationRecord } from '../store/application-store.ts';

export async function readHostFacts(programs: Programs): Promise<MachineFacts> {
  const [criu, runc, auxiliary, cpuinfo] = await Promise.all([
    runProcess(programs.criu, ['--version'], { env: programs.env }),
    runProcess(programs.runc, ['--version'], { env: programs.env }),
    readFile('/proc/self/auxv'),
    readFile('/proc/cpuinfo', 'utf8'),
  ]);
  return {
    architecture: arch(),
    kernel: release(),
    criu: /Version: (\S+)/.exec(criu.stdout)?.[1] ?? 'unknown',
    runc: /version (\S+)/.exec(runc.stdout)?.[1] ?? 'unknown',
    cgroupVersion: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1,
    pageSizeBytes: pageSizeOf(auxiliary),
    timeNamespaces: existsSync('/proc/self/ns/time'),
    securityModule: await readSecurityModule(),
    ipv6: existsSync('/proc/net/if_inet6'),
    shadowStacks: /^flags\s*:.*\buser_shstk\b/m.test(cpuinfo),
  };
}

/** AT_PAGESZ of the auxiliary vector: pairs of a kind and a value (getauxval(3)). */
function pageSizeOf(auxiliary: Buffer): number {
  const pageSize = 6n;
  for (let at = 0; at + 16 <= auxiliary.length; at += 16)
    if (auxiliary.readBigUInt64LE(at) === pageSize) return Number(auxiliary.readBigUInt64LE(at + 8));
  return 4096;
}

const appArmorFolder = '/sys/kernel/security/apparmor';

/** As criu looks for it: what it writes into its images, and compares. */
async function readSecurityModule(): Promise<(typeof securityModules)[number]> {
  if (existsSync(appArmorFolder)) return 'apparmor';
  if (!existsSync('/sys/fs/selinux/enforce')) return 'none';
  // SELinux without a policy gives no labels of three parts.
  const label = await readFile('/proc/self/attr/current', 'utf8').catch(() => '');
  return label.split(':').length > 3 ? 'selinux' : 'none';
}

/** The names of the profiles that AppArmor has loaded; undefined where it does not tell. */
export async function readAppArmorProfiles(): Promise<string[] | undefined> {
  const text = await readFile(join(appArmorFolder, 'profiles'), 'utf8').catch(() => undefined);
  return text?.split('\n').flatMap((line) => /^(.+) \(\w+\)$/.exec(line)?.[1] ?? []);
}

/** criu compares CPUs on other architectures, and not on this one. */
const criuComparesCpus = arch() !== 'arm64';

/** What criu knows of this machine's CPU: its cpuinfo.img, base64; where it knows nothing, what the kernel tells. */
export async function dumpCpuInfo(programs: Programs): Promise<string> {
  if (!criuComparesCpus) return Buffer.from((await readInstructions()).join(' ')).toString('base64');
  return await inFolder(async (folder) => {
    await runProcess(programs.criu, ['cpuinfo', 'dump', '-D', folder], { env: programs.env });
    return await readFile(join(folder, 'cpuinfo.img'), 'base64');
  });
}

/**
 * What criu, or the kernel where criu knows nothing, says against running on this CPU what was dumped on the other, or undefined where it agrees.
 * @throws CmigError `unsupported` where it cannot say
 */
export async function refuseCpu(programs: Programs, cpuinfo: string): Promise<string | undefined> {
  if (!criuComparesCpus) {
    const there = Buffer.from(cpuinfo, 'base64').toString().split(' ');
    return missingInstructions(there, await readInstructions()).join(', ') || undefined;
  }
  return await inFolder(async (folder) => {
    await writeFile(join(folder, 'cpuinfo.img'), cpuinfo, 'base64');
    try {
      await runProcess(programs.criu, ['cpuinfo', 'check', '-D', folder], { env: programs.env });
      return undefined;
    } catch (error) {
      if (!(error instanceof CmigError) || error.code !== 'tool-failed') throw error;
      const said = error.tool?.output.filter((line) => /error/i.test(line)).at(0) ?? error.message;
      if (/cpu/i.test(said.replace(programs.criu, ''))) return said;
      throw new CmigError('unsupported', `criu does not work: ${said}`, {
        hint: 'bring it to a version that knows this kernel; see: cmig host doctor',
        cause: error,
      });
    }
  });
}

/** All processes of an application. */
export async function processesOf(
  { runc }: { runc: Runc },
  { manifest }: Pick<ApplicationRecord, 'manifest'>,
): Promise<RunningProcess[]> {
  const of = async (container: string) =>
    (await runc.processes(manifest.metadata.name, container)).map((pid) => ({ container, pid }));
  return (await Promise.all(manifest.spec.containers.map(({ name }) => of(name)))).flat();
}

export async function memoryAvailableBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8');
  return Number(/MemAvailable:\s+(\d+)/.exec(text)?.[1] ?? 0) * 1024;
}

export async function diskAvailableBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Without CAP_SYS_RESOURCE criu cannot read the limits of another user's process ("Can't get rlimit"). */
export async function hasResourceCapability(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/CapEff:\s+([0-9a-f]+)/.exec(status)?.[1] ?? '0'}`);
  return (effective & (1n << 24n)) !== 0n;
}

async function inFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'cmig-'));
  try {
    return await action(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
