// What of a running application a baseline does not bind: code that asks the CPU by itself, programs without its environment.
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type CpuDemand, isTrusted } from '../../src/contract/cpu-baseline.ts';
import { hwcaps, tunablesName } from './baseline-environment.ts';
import { readElf } from './elf-file.ts';

/**
 * They ask, but are bound by the environment; the compiler's own two find out for others, which are looked at
 * themselves (libstdc++ for std::random_device, which asks whenever it is made).
 */
const bound = /^(ld-linux-x86-64|ld-2|libc|libc-2|libcrypto|libgnutls|libgcc_s|libstdc\+\+)[-.\d]*\.so/;
/** Makes code that asks. */
const makesSuchCode = /^libjvm\.so/;

/** One process of the application. */
export interface RunningProcess {
  container: string;
  pid: number;
}

/** Why they may use more than the baseline: a sentence each, in no more than a few; none where they do not. */
export async function unheldCode(processes: readonly RunningProcess[], demand: CpuDemand): Promise<string[]> {
  const found = new Map<string, string>();
  for (const { container, pid } of processes) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => undefined);
    const [maps, environment, command] = await Promise.all([read('maps'), read('environ'), read('comm')]);
    if (maps === undefined) continue; // it has ended
    const of = `${command?.trim()} (container ${container}, pid ${pid})`;
    for (const path of executableFiles(maps)) {
      const name = basename(path);
      if (found.has(name) || isTrusted(demand, name) || bound.test(name)) continue;
      if (makesSuchCode.test(name) || (await asksCpu(`/proc/${pid}/root${path}`)))
        found.set(name, `${name} of ${of} asks the CPU by itself`);
    }
    if (isWithoutTunables(environment) && /\/libc[-.\d]*\.so/.test(maps))
      found.set(of, `${of} runs without ${tunablesName}`);
  }
  return [...found.values()].slice(0, 20);
}

/** Of what /proc/<pid>/maps holds: the files that code was mapped from. */
function executableFiles(maps: string): Set<string> {
  const files = [...maps.matchAll(/^\S+ ..x. \S+ \S+ [1-9]\d*\s+(\/.*?)( \(deleted\))?$/gm)];
  return new Set(files.map(([, path = '']) => path));
}

/** A program that shows a title writes over what it was started with: that tells nothing. */
const isWithoutTunables = (environment: string | undefined): boolean =>
  environment !== undefined &&
  (environment === '' || /^[A-Za-z_]\w*=/.test(environment)) &&
  !(environment.includes(`${tunablesName}=`) && environment.includes(`${hwcaps}=`));

/** By device, number and time of change, since the same libraries are looked at again and again. */
const known = new Map<string, boolean>();
const knownAtMost = 1000;

/** What cannot be read any more is taken to ask. */
async function asksCpu(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile()) return true;
  const key = `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeMs}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const asks = (await readElf(path).catch(() => ({ asksCpu: true })))?.asksCpu ?? false;
  if (known.size >= knownAtMost) known.clear();
  known.set(key, asks);
  return asks;
}
