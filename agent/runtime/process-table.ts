// The processes of this host as /proc shows them, to find and end what criu and runc have left.
import { readdir, readFile } from 'node:fs/promises';

export interface ProcessEntry {
  pid: number;
  parent: number;
  /** At most 15 characters. */
  name: string;
  /** S, D, R, T (stopped), t (stopped by a tracer), Z … */
  state: string;
  /** CPU time that it has used so far, in clock ticks. */
  cpuTicks: number;
  commandLine: string[];
}

/** @returns undefined where there is no such process (any more) */
export async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  try {
    const [stat, commandLine] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The name stands in parentheses and may hold some itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', parent = '0'] = fields;
    return {
      pid,
      parent: Number(parent),
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      state,
      cpuTicks: Number(fields[11]) + Number(fields[12]),
      commandLine: commandLine.split('\0').filter(Boolean),
    };
  } catch {
    return undefined;
  }
}

export async function listProcessTable(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const entries = await Promise.all(pids.map(readProcess));
  return entries.filter((entry) => entry !== undefined);
}

/** A process and all that came from it, the eldest first. */
export function familyOf(table: readonly ProcessEntry[], pid: number): ProcessEntry[] {
  const family = table.filter((entry) => entry.pid === pid);
  for (let index = 0; index < family.length; index += 1)
    family.push(...table.filter((entry) => entry.parent === family[index]!.pid && entry.pid !== pid));
  return family;
}

/** SIGKILL, which a stopped or hung process obeys too. Whoever is gone already is no error. */
export function killAll(entries: readonly ProcessEntry[]): void {
  for (const { pid } of entries) signalProcess(pid, 'SIGKILL');
}

/** Lets every criu among them go on that was stopped, by whomever. */
export function continueCriu(entries: readonly ProcessEntry[]): void {
  for (const { pid, name, state } of entries)
    if (name === 'criu' && state === 'T') signalProcess(pid, 'SIGCONT');
}

/** One that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
