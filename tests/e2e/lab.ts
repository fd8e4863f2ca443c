// The lab that all end-to-end tests share: three hosts, driven only through bin/cmig, as a user would.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, jest } from '@jest/globals';
import type { Host } from '../../src/contract/host.ts';
import { waitFor } from '../../src/core/retry.ts';
import { type BackgroundProcess, runProcess, spawnProcess } from '../../src/core/run-process.ts';
import { cmigProgram, labName, settings } from './settings.ts';

export const root = join(import.meta.dirname, '../..');
export const images = join(root, 'manifests/images');
export const hosts = ['host-a', 'host-b', 'host-c'] as const;

export interface CmigResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface CmigOptions {
  input?: string;
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

const anyExitCode = Array.from({ length: 256 }, (_, code) => code);
const env = { CMIG_CONFIG: settings.config, NO_COLOR: '1' };

/** Runs bin/cmig to its end; never throws for an exit code. */
export async function cmigWith(options: CmigOptions, ...args: string[]): Promise<CmigResult> {
  return runProcess(cmigProgram, args, {
    timeoutMs: options.timeoutMs ?? 100_000,
    allowedExitCodes: anyExitCode,
    env: { ...env, ...options.env },
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
}

/** bin/cmig with these options, in the three ways in which tests run it. */
export function commandsWith(options: CmigOptions) {
  const cmig = (...args: string[]): Promise<CmigResult> => cmigWith(options, ...args);
  /** What a command printed; throws with what it said where it did not succeed. */
  const cmigOk = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await cmig(...args);
    if (exitCode !== 0)
      throw new Error(`cmig ${args.join(' ')} exited with ${exitCode}:\n${stderr}${stdout}`);
    return stdout;
  };
  /** The document that a command printed with `-o json`. */
  const cmigJson = async <T>(...args: string[]): Promise<T> =>
    JSON.parse(await cmigOk(...args, '-o', 'json')) as T;
  return { cmig, cmigOk, cmigJson };
}

export const { cmig, cmigOk, cmigJson } = commandsWith({});

/** A line of bash, in which a pipe fails where one of its commands does; never throws for an exit code. */
export const inShell = (line: string): Promise<CmigResult> =>
  runProcess('bash', ['-o', 'pipefail', '-c', line], {
    timeoutMs: 100_000,
    allowedExitCodes: anyExitCode,
    env: { ...env, PATH: `${join(root, 'bin')}:${process.env.PATH}` },
  });

/** Starts bin/cmig and leaves it running: for watching, following and interrupting. */
export const startCmig = (...args: string[]): BackgroundProcess =>
  spawnProcess(cmigProgram, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });

/** Collects what a command that goes on prints. */
export function follow(...args: string[]) {
  const process = startCmig(...args);
  const collected = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    process[stream]!.setEncoding('utf8').on('data', (chunk: string) => {
      collected[stream] += chunk;
    });
  return {
    process,
    lines: () => collected.stdout.split('\n').slice(0, -1),
    notices: () => collected.stderr,
    async interrupt() {
      process.kill('SIGINT');
      return process.ended;
    },
  };
}

/** Runs a program on a host of the lab; throws where it fails. */
export const onHost = (host: string, ...command: string[]): Promise<string> =>
  cmigOk('lab', 'exec', '--name', labName, host, '--', ...command);

/** The same, where it is the result that counts. */
export const tryOnHost = (host: string, ...command: string[]): Promise<CmigResult> =>
  cmig('lab', 'exec', '--name', labName, host, '--', ...command);

/** A shell's line that unmounts a folder: who has lost his peer may still have it open for a moment. */
export const unmount = (folder: string): string =>
  `for try in $(seq 300); do umount ${folder} && exit 0; sleep 0.1; done; exit 1`;

/** An action on the lab, such as `kill host-b`; throws where it fails. */
export const lab = (action: string, ...args: string[]): Promise<string> =>
  cmigOk('lab', action, '--name', labName, ...args);

/** The address that an application has. */
export async function addressOf(application: string): Promise<string> {
  return (await cmigJson<{ status: { address: string } }>('get', 'application', application)).status.address;
}

/** Removes every application of the lab, whatever state it is in, and every checkpoint. */
export async function deleteAll(): Promise<void> {
  const namesOf = async (kind: string): Promise<string[]> => {
    const { items } = await cmigJson<{ items: { metadata: { name: string } }[] }>('get', kind);
    return [...new Set(items.map(({ metadata }) => metadata.name))];
  };
  // One with which something is still under way can be deleted as soon as that has ended, be that its own end, and one of
  // a host that does not answer as soon as that does.
  const isEmpty = async () => {
    const applications = await namesOf('applications');
    if (applications.length === 0) return true;
    const { exitCode, stderr } = await cmig('delete', ...applications);
    if (![0, 3, 4, 8].includes(exitCode)) throw new Error(`cmig delete exited with ${exitCode}:\n${stderr}`);
    return exitCode === 0;
  };
  await waitFor(isEmpty, { timeoutMs: 100_000, intervalMs: 500, what: 'the end of every application' });
  const checkpoints = await namesOf('checkpoints');
  if (checkpoints.length > 0) await cmigOk('delete', 'checkpoint', ...checkpoints);
}

/**
 * Call it at the top of a test file: before its tests all hosts of the lab run, take applications and have none, nor any
 * checkpoint; after them these are removed. The lab itself stays for the next file.
 */
export function useLab(): void {
  jest.setTimeout(240_000);
  beforeAll(async () => {
    await mkdir(settings.folder, { recursive: true });
    await cmigOk('lab', 'up', '--name', labName, '--hosts', String(hosts.length));
    await cmigOk('config', 'use-context', `lab-${labName}`);
    const ready = await waitFor(allReady, {
      timeoutMs: 60_000,
      intervalMs: 200,
      what: 'every host of the lab being ready',
    });
    // A file that failed may have left one cordoned.
    const cordoned = ready.filter(({ spec }) => spec.unschedulable).map(({ metadata }) => metadata.name);
    if (cordoned.length > 0) await cmigOk('uncordon', ...cordoned);
    await deleteAll();
  }, 240_000);
  afterAll(deleteAll, 240_000);
}

async function allReady(): Promise<Host[] | undefined> {
  const { exitCode, stdout } = await cmig('get', 'hosts', '-o', 'json');
  // Where no agent has answered in time, the next look may find one.
  if (exitCode !== 0) return undefined;
  const { items } = JSON.parse(stdout) as { items: Host[] };
  const isReady = items.length === hosts.length && items.every(({ status }) => status.condition === 'Ready');
  return isReady ? items : undefined;
}
