// The one place that starts programs: an argument vector, a time limit, and an error that says what the program said.
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import type { ToolFailure } from '../contract/fault.ts';
import { CmigError } from './errors.ts';
import { letGoOfHeldStreams } from './held-streams.ts';

export interface RunOptions {
  /** TERM after so long, KILL after `killAfterMs` more; 60 000 if absent, 0 for no limit. */
  timeoutMs?: number;
  /** From TERM to KILL, where the time limit passed or `signal` was aborted; 5000 if absent. */
  killAfterMs?: number;
  /** Written to its standard input, which is empty if absent. */
  input?: string | Uint8Array | Readable;
  cwd?: string;
  /** Added to this process's environment. */
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** Exit codes that are no failure; [0] if absent. */
  allowedExitCodes?: number[];
  /** Called with each line of its standard output as it comes. */
  onLine?: (line: string) => void;
  /** Where its standard output and error go instead of being collected. */
  stdout?: Writable;
  stderr?: Writable;
}

export interface ProcessResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

const outputLinesKept = 12;
const maxOutputBytes = 64 * 1024 * 1024;
const lastLines = (text: string): string[] =>
  text
    .slice(-outputLinesKept * 500)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean)
    .slice(-outputLinesKept);

/**
 * Runs a program to its end.
 * @throws CmigError `tool-failed` with argv, exit code or signal and the last lines of its error output; `timeout`
 * where the limit passed; `cancelled` where `signal` was aborted; `unsupported` where there is no such program.
 */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProcessResult> {
  const { timeoutMs = 60_000, input, allowedExitCodes = [0] } = options;
  refuseNul(file, args);
  // It might be through before the signal is seen.
  if (options.signal?.aborted) throw new CmigError('cancelled', `${file} was not started`);
  const child = execa(file, [...args], {
    reject: false,
    stripFinalNewline: false,
    forceKillAfterDelay: options.killAfterMs ?? 5000,
    timeout: timeoutMs,
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    stdin:
      input === undefined
        ? 'ignore'
        : typeof input === 'string' || input instanceof Uint8Array
          ? 'pipe'
          : (input as Readable),
    ...(typeof input === 'string' || input instanceof Uint8Array ? { input } : {}),
    maxBuffer: maxOutputBytes,
    buffer: { stdout: !options.stdout, stderr: !options.stderr },
  });
  if (options.stdout) child.stdout?.pipe(options.stdout, { end: false });
  if (options.stderr) child.stderr?.pipe(options.stderr, { end: false });
  letGoOfHeldStreams(child.nodeChildProcess);
  const lines = options.onLine && readLines(child.stdout, options.onLine);
  // Nobody is left to listen where onLine has thrown.
  lines?.catch(() => child.kill());
  const [result] = await Promise.all([child, lines]);
  const stdout = typeof result.stdout === 'string' ? result.stdout : '';
  const stderr = typeof result.stderr === 'string' ? result.stderr : '';
  const isAllowed = result.exitCode !== undefined && allowedExitCodes.includes(result.exitCode);
  if (isAllowed && !result.timedOut && !result.isMaxBuffer) {
    return { stdout, stderr, exitCode: result.exitCode ?? 0 };
  }
  const tool = {
    argv: [file, ...args],
    ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
    ...(result.signal ? { signal: result.signal } : {}),
    ...(result.timedOut ? { timedOut: true } : {}),
    output: lastLines(stderr || stdout),
  };
  if (result.isMaxBuffer) {
    const limit = `${maxOutputBytes / 2 ** 20} MiB`;
    throw new CmigError('tool-failed', `${file} wrote more than ${limit} and was stopped`, { tool });
  }
  if (result.isCanceled) throw new CmigError('cancelled', `${file} was stopped`, { tool });
  if (result.timedOut) {
    throw new CmigError('timeout', `${file} did not end within ${timeoutMs / 1000} s and was killed`, {
      tool,
    });
  }
  if (result.exitCode === undefined && !result.signal) throw notStarted(file, result, options.cwd, tool);
  const ending = result.signal
    ? `was killed by ${result.signal}`
    : `failed with exit code ${result.exitCode}`;
  // nft ends with a line of marks below what it means
  const last = tool.output.findLast((line) => /\w/.test(line));
  throw new CmigError('tool-failed', `${file} ${ending}${last ? `: ${last}` : ''}`, { tool });
}

function notStarted(
  file: string,
  result: { code?: string | undefined; cause?: unknown },
  cwd: string | undefined,
  tool: ToolFailure,
): CmigError {
  if (cwd !== undefined && !existsSync(cwd)) {
    return new CmigError('failed', `${file} could not be started in ${cwd}: there is no such folder`, {
      tool,
    });
  }
  if (result.code === 'ENOENT') {
    return new CmigError('unsupported', `the program ${file} is not installed`, {
      hint: 'install it, or add its folder to PATH',
      tool,
    });
  }
  const reason =
    result.cause instanceof Error ? result.cause.message : (result.code ?? 'for an unknown reason');
  return new CmigError('tool-failed', `${file} could not be started: ${reason}`, {
    tool,
    cause: result.cause,
  });
}

/** An argument vector cannot carry a NUL character; what is behind it would be lost. */
function refuseNul(file: string, args: readonly string[]): void {
  if (![file, ...args].some((word) => word.includes('\0'))) return;
  throw new CmigError('invalid', `an argument for ${file} holds a NUL character`);
}

async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (!stream) return;
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream) {
      // rsync ends its progress lines with a carriage return.
      const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split(/[\r\n]/);
      rest = parts.pop() ?? '';
      for (const line of parts) if (line) onLine(line);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  if (rest) onLine(rest);
}

export interface BackgroundProcess {
  pid: number;
  /** Settles with the exit code, or with the name of the signal, when it has ended; never rejects. */
  ended: Promise<{ exitCode?: number; signal?: string }>;
  stdin: Writable | null;
  stdout: Readable | null;
  stderr: Readable | null;
  kill(signal?: NodeJS.Signals): void;
}

export interface SpawnOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** As for child_process.spawn; ['ignore', 'pipe', 'pipe'] if absent. Numbers are file descriptors. */
  stdio?: readonly ('ignore' | 'pipe' | 'inherit' | number)[];
  /** Lives on when this process ends, in a session of its own. */
  detached?: boolean;
}

/** Starts a program that runs beside this one. @throws CmigError `unsupported` where there is no such program. */
export function spawnProcess(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): BackgroundProcess {
  refuseNul(file, args);
  const child = execa(file, [...args], {
    reject: false,
    buffer: false,
    cleanup: !options.detached,
    detached: options.detached ?? false,
    stdio: [...(options.stdio ?? ['ignore', 'pipe', 'pipe'])] as never,
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: options.env } : {}),
  });
  if (child.pid === undefined) {
    void child.catch(() => {});
    throw new CmigError('unsupported', `${file} could not be started`, {
      hint: 'is it installed, and on PATH?',
    });
  }
  if (options.detached) child.nodeChildProcess?.unref?.();
  return {
    pid: child.pid,
    ended: child.then((result) => ({
      ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
      ...(result.signal ? { signal: result.signal } : {}),
    })),
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
  };
}
