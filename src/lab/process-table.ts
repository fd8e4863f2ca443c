// Finds a lab's processes by what is written in their environment, so that no file has to be trusted.
import { readdir, readFile, readlink } from 'node:fs/promises';

const labVariable = 'CMIG_LAB_OF';
const machineVariable = 'CMIG_LAB_MACHINE';

/** The variables that say which lab a process belongs to; all that it starts inherit them. */
export const marks = (lab: string, machine: string): Record<string, string> => ({
  [labVariable]: lab,
  [machineVariable]: machine,
});

/** As `env` takes variables. */
export const asWords = (variables: Record<string, string>): string[] =>
  Object.entries(variables).map(([name, value]) => `${name}=${value}`);

export interface LabProcess {
  pid: number;
  lab: string;
  machine: string;
  /** Clock ticks since boot; with the pid it names a process for good. */
  startTime: string;
  /** Process 1 of a pid namespace of its own, or not in one. */
  init: boolean;
}

/** All processes of this machine that belong to `lab`. */
export async function findLabProcesses(lab: string): Promise<LabProcess[]> {
  const found = await Promise.all((await allPids()).map((pid) => readLabProcess(pid)));
  return found.filter((each) => each !== undefined).filter((each) => each.lab === lab);
}

export async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
}

/** Undefined where there is no such process, or none of a lab. */
export async function readLabProcess(pid: number): Promise<LabProcess | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  if (!environment.includes(`${labVariable}=`)) return undefined;
  const variables = new Map(environment.split('\0').map((line) => splitOnce(line, '=')));
  const lab = variables.get(labVariable);
  const machine = variables.get(machineVariable);
  const startTime = await readStartTime(pid);
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const pids = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
  if (!lab || !machine || !startTime) return undefined;
  return { pid, lab, machine, startTime, init: pids.length > 1 && pids.at(-1) === '1' };
}

/** Undefined where the process has ended, a zombie included. */
export async function readStartTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The name in parentheses may hold anything, blanks and parentheses included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === undefined || fields[0] === '' || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return fields[19];
}

/** The processes that live in the same pid namespace as `init`, with their argument vectors. */
export async function processesWith(init: number): Promise<{ pid: number; argv: string[] }[]> {
  const namespace = await readlink(`/proc/${init}/ns/pid`).catch(() => undefined);
  if (!namespace) return [];
  const found = await Promise.all(
    (await allPids()).map(async (pid) => {
      if ((await readlink(`/proc/${pid}/ns/pid`).catch(() => undefined)) !== namespace) return undefined;
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, argv: line.split('\0').slice(0, -1) };
    }),
  );
  return found.filter((each) => each !== undefined);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
