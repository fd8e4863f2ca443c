// Programs run inside a machine of a lab: by `lab exec`, by the lab itself, and as the machine's services.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../core/errors.ts';
import { runProcess, spawnProcess } from '../core/run-process.ts';
import { asWords, marks } from './process-table.ts';
import { programPrefix } from './shared-folders.ts';

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnterOptions {
  /** Its environment, which is nothing else but this; PATH and HOME if absent. */
  env?: Record<string, string>;
}

/** The argument vector that runs `argv` inside a machine, in /root. Program first. */
export function enterVector(
  init: number,
  argv: readonly string[],
  { env = {} }: EnterOptions = {},
): string[] {
  const environment = {
    PATH: `${join(programPrefix(), 'sbin')}:${systemPath}`,
    HOME: '/root',
    LANG: 'C.UTF-8',
    ...env,
  };
  return [
    'nsenter',
    '--target',
    String(init),
    '--mount',
    '--net',
    '--uts',
    '--ipc',
    '--pid',
    '--',
    '/usr/bin/env',
    '-i',
    '--chdir=/root',
    ...asWords(environment),
    ...argv,
  ];
}

/** Runs a program inside a machine to its end. */
export function runInside(
  init: number,
  argv: readonly string[],
  options: EnterOptions & { input?: string } = {},
) {
  const [program = 'nsenter', ...rest] = enterVector(init, argv, options);
  return runProcess(program, rest, options.input === undefined ? {} : { input: options.input });
}

/**
 * Starts a program inside a machine as a child of the machine's init, so that nothing of it remains outside.
 * @param log the file, on this machine, to which its output is appended
 * @throws CmigError `failed`
 */
export async function startInside(
  lab: string,
  machine: string,
  init: number,
  argv: readonly string[],
  { log }: { log: string },
): Promise<void> {
  const vector = enterVector(init, ['setsid', '--fork', ...argv], {
    env: marks(lab, machine),
  });
  const output = await open(log, 'a');
  try {
    const entering = spawnProcess(vector[0]!, vector.slice(1), {
      cwd: '/',
      stdio: ['ignore', output.fd, output.fd],
    });
    const { exitCode } = await entering.ended;
    if (exitCode !== 0) {
      throw new CmigError('failed', `${argv[0]} could not be started on ${machine}`, { hint: `see ${log}` });
    }
  } finally {
    await output.close();
  }
}
