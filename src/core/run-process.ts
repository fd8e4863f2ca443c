// The one place that starts programs: an argument vector, a time limit, and an error that says what the program said.
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { CmigError } from './errors.ts';

export interface RunOptions {
  /** TERM after so long, KILL 5 s later; 60 000 if absent, 0 for no limit. */
  timeoutMs?: number;
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
const lastLines = (text: string): string[] =>
  text
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
  const child = execa(file, [...args], {
    reject: false,
    stripFinalNewline: false,
    forceKillAfterDelay: 5000,
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
    maxBuffer: 64 * 1024 * 1024,
    buffer: { stdout: !options.stdout, stderr: !options.stderr },
  });
  if (options.stdout) child.stdout?.pipe(options.stdout, { end: false });
  if (options.stderr) child.stderr?.pipe(options.stderr, { end: false });
  if (options.onLine) void readLines(child.stdout, options.onLine);
  const result = await child;
  const stdout = typeof result.stdout === 'string' ? result.stdout : '';
  const stderr = typeof result.stderr === 'string' ? result.stderr : '';
  if (result.exitCode !== undefined && allowedExitCodes.includes(result.exitCode) && !result.timedOut) {
    return { stdout, stderr, exitCode: result.exitCode };
  }
  const tool = {
    argv: [file, ...args],
    ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
    ...(result.signal ? { signal: result.signal } : {}),
    ...(result.timedOut ? { timedOut: true } : {}),
    output: lastLines(stderr || stdout),
  };
  if (result.isCanceled) throw new CmigError('cancelled', `${file} was stopped`, { tool });
  if (result.timedOut) {
    throw new CmigError('timeout', `${file} did not end within ${timeoutMs / 1000} s and was killed`, {
      tool,
    });
  }
  if (result.code === 'ENOENT') {
    throw new CmigError('unsupported', `the program ${file} is not installed`, {
      hint: `install it, or add its folder to PATH`,
      tool,
    });
  }
  const ending = result.signal
    ? `was killed by ${result.signal}`
    : `failed with exit code ${result.exitCode}`;
  const last = tool.output.at(-1);
  throw new CmigError('tool-failed', `${file} ${ending}${last ? `: ${last}` : ''}`, {
    tool,
    ...(result.exitCode === undefined && !result.signal ? { cause: result.cause } : {}),
  });
}

async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (!stream) return;
  let rest = '';
  // rsync ends its progress lines with a carriage return.
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split(/[\r\n]/);
    rest = parts.pop() ?? '';
    for (const line of parts) if (line) onLine(line);
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
