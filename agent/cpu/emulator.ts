// QEMU's user emulation: for programs that choose their instructions by themselves, whatever a baseline says.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplicationManifest } from '../../src/contract/application.ts';
import type { Baseline } from '../../src/contract/cpu-baseline.ts';
import { CmigError } from '../../src/core/errors.ts';
import { readInstructions } from './cpu-instructions.ts';
import { readElf } from './elf-file.ts';

/** Where containers see it. */
export const emulatorPath = '/.cmig/qemu-x86_64';
/** By either name it is linked statically, with Debian, Ubuntu and Fedora. */
const names = ['qemu-x86_64-static', 'qemu-x86_64'];

/** What the emulated CPU has: no more than the level. */
const v2 = 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt';
const models: Record<Baseline, string> = {
  'x86-64-v1': 'qemu64',
  'x86-64-v2': v2,
  'x86-64-v3': `${v2},+abm,+avx,+avx2,+bmi1,+bmi2,+f16c,+fma,+movbe,+xsave`,
};

/**
 * What QEMU translates to is not the emulated CPU's, but what the CPU has that it was started on: AVX2, say, for which
 * it looks once. So this says in its environment, and goes along with it, on what kind of CPU it can run.
 */
const startedOnName = 'CMIG_STARTED_ON_CPU';

/** @returns the variable for what is started here */
export const startedHere = async (): Promise<{ name: string; value: string }> => ({
  name: startedOnName,
  value: (await readInstructions()).join(','),
});

/** Of what /proc/<pid>/environ holds; undefined where it does not tell. */
export function startedOn(environment: string): string[] | undefined {
  const prefix = `${startedOnName}=`;
  const variable = environment.split('\0').find((each) => each.startsWith(prefix));
  return variable?.slice(prefix.length).split(',').filter(Boolean);
}

export const isEmulated = ({ spec }: Pick<ApplicationManifest, 'spec'>): boolean =>
  spec.cpu?.emulated === true;

/** A command as it is emulated; its first word is a path. */
export const emulatedCommand = (argv: readonly string[], baseline: Baseline): string[] => [
  ...[emulatorPath, '-cpu', models[baseline]],
  ...argv,
];

/** The words that stand before a command in the arguments of an emulated program; none of any other. */
export const emulatorWords = (args: readonly string[]): string[] =>
  args[0] === emulatorPath ? args.slice(0, 3) : [];

/** @throws CmigError `unsupported` where this host has none */
export async function findEmulator({ PATH }: { PATH: string }, host: string): Promise<string> {
  for (const folder of PATH.split(':'))
    for (const name of names) {
      const file = join(folder, name);
      const elf = await readElf(file).catch(() => undefined);
      if (elf && !elf.loader) return file;
    }
  throw new CmigError('unsupported', `${host} has no ${names[0]}, by which spec.cpu.emulated is done`, {
    hint: 'install it there: apt-get install qemu-user-static, or dnf install qemu-user-static-x86',
  });
}

const digests = new Map<string, string>();

/** Both hosts must have the same: its code is in use while it moves. */
export async function emulatorDigest(file: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(file);
  const key = `${file}:${ino}:${size}:${mtimeMs}`;
  const digest =
    digests.get(key) ??
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  digests.clear();
  digests.set(key, digest);
  return digest;
}
