// conmon: the shim that holds a container's stdio, log and exit code while the agent restarts.
import { constants, openSync } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import type { AgentContext, Programs } from '../context.ts';
import { type AgentPaths, containerId } from '../store/paths.ts';
import { readProcess } from './process-table.ts';
import { lastRuncError, type Runc } from './runc.ts';
import { systemdIsInit } from './systemd.ts';
import { leaveUnit } from './systemd-unit.ts';

export interface ConmonRequest {
  application: string;
  container: string;
  /** Instead of making the container anew: runc restores it from criu's images. */
  restore?: { imagesDirectory: string; workDirectory: string };
}

/** What conmon tells: the container's first process, or -1 and why not. */
interface Report {
  pid?: number;
  data?: number;
  message?: string;
}

/** Below that of containers; no application has such a name. */
const ownCgroup = '.conmon';

export class Conmon {
  readonly #programs: Programs;
  readonly #paths: AgentPaths;
  readonly #runc: Runc;
  readonly #cgroupParent: string;

  constructor({ programs, paths, config }: Pick<AgentContext, 'programs' | 'paths' | 'config'>, runc: Runc) {
    this.#programs = programs;
    this.#paths = paths;
    this.#runc = runc;
    this.#cgroupParent = config.cgroupParent;
  }

  /**
   * Starts conmon, which makes (or restores) the container in the background and outlives this process.
   * @returns at once when conmon runs; `finished` settles when the container is made and rejects with `tool-failed`
   * where it could not be.
   */
  async start(request: ConmonRequest): Promise<{ finished: Promise<{ pid: number }> }> {
    const { application, container } = request;
    const fifo = this.#paths.reportFifo(application, container);
    await mkdir(this.#paths.runtime(application, container), { recursive: true });
    await mkdir(this.#paths.exitsDirectory, { recursive: true });
    await mkdir(this.#paths.socketsDirectory, { recursive: true });
    await rm(this.#paths.exitFile(application, container), { force: true });
    await rm(this.#paths.runcLogFile(application, container), { force: true });
    await rm(this.#paths.pidFile(application, container), { force: true });
    await rm(fifo, { force: true });
    await runProcess('mkfifo', ['-m', '600', fifo]);
    // conmon gets an end that can be read as well: a killed agent then never leaves it with a broken pipe.
    const theirs = await open(fifo, constants.O_RDWR);
    try {
      const reports = this.#readReport(fifo, request);
      const child = spawnProcess(this.#programs.conmon, this.#arguments(request), {
        cwd: '/',
        env: { ...this.#programs.env, _OCI_SYNCPIPE: '3' },
        stdio: ['ignore', 'ignore', 'pipe', theirs.fd],
        detached: true,
      });
      let output = '';
      child.stderr?.on('data', (chunk) => {
        output = (output + String(chunk)).slice(-4096);
      });
      const { exitCode } = await child.ended;
      if (exitCode !== 0) {
        reports.cancel();
        throw new CmigError(
          'tool-failed',
          `conmon could not be started: ${output.trim() || `exit code ${exitCode}`}`,
          {
            tool: {
              argv: [this.#programs.conmon, ...this.#arguments(request)],
              ...(exitCode === undefined ? {} : { exitCode }),
              output: output.split('\n').filter(Boolean).slice(-12),
            },
          },
        );
      }
      if (systemdIsInit) {
        const pid = await this.pid(application, container);
        if (pid !== undefined) await leaveUnit(pid, join(this.#cgroupParent, ownCgroup));
      }
      return { finished: reports.finished };
    } finally {
      await theirs.close();
    }
  }

  /** Tells conmon to write to a new log file, after the old one was renamed. */
  async reopenLog(application: string, container: string): Promise<void> {
    const fifo = join(this.#paths.bundle(application, container), 'ctl');
    // Without a reader the open fails instead of waiting.
    const handle = await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      await handle.write('2 0 0\n');
    } finally {
      await handle.close();
    }
  }

  /** The container's conmon, if it lives. */
  async pid(application: string, container: string): Promise<number | undefined> {
    const text = await readFile(this.#paths.conmonPidFile(application, container), 'utf8').catch(() => '');
    const pid = Number.parseInt(text, 10);
    const entry = pid > 0 ? await readProcess(pid) : undefined;
    return entry?.commandLine.includes(containerId(application, container)) ? pid : undefined;
  }

  #arguments(request: ConmonRequest): string[] {
    const { application, container, restore } = request;
    const id = containerId(application, container);
    const paths = this.#paths;
    return [
      ...['--api-version', '1', '-c', id, '-u', id, '-n', id],
      ...['-b', paths.bundle(application, container), '-r', this.#runc.program],
      ...this.#runc.globalArguments(application, container).map((argument) => `--runtime-arg=${argument}`),
      ...['-p', paths.pidFile(application, container), '-P', paths.conmonPidFile(application, container)],
      ...['--exit-dir', paths.exitsDirectory, '--socket-dir-path', paths.socketsDirectory],
      // No --log-size-max: conmon does not notice that others have rotated, and would throw away what is new.
      ...['-l', `k8s-file:${paths.logFile(application, container)}`, '--log-level', 'error'],
      ...(restore
        ? [
            ...['--restore', restore.imagesDirectory],
            ...['--work-path', restore.workDirectory].flatMap((option) => ['--runtime-opt', option]),
          ]
        : []),
    ];
  }

  #readReport(
    fifo: string,
    request: ConmonRequest,
  ): { finished: Promise<{ pid: number }>; cancel: () => void } {
    const controller = new AbortController();
    const finished = (async () => {
      // A socket and not a file stream: a read that waits must not hold one of the few threads.
      const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      const stream = new Socket({ fd, readable: true, writable: false });
      try {
        for await (const line of createInterface({ input: stream, signal: controller.signal })) {
          return this.#judge(JSON.parse(line) as Report, request);
        }
        return this.#judge({}, request);
      } finally {
        stream.destroy();
      }
    })();
    finished.catch(() => {});
    return { finished, cancel: () => controller.abort() };
  }

  async #judge(report: Report, request: ConmonRequest): Promise<{ pid: number }> {
    const pid = report.pid ?? report.data ?? -1;
    if (pid > 0) return { pid };
    const { application, container, restore } = request;
    const told =
      (await lastRuncError(this.#paths.runcLogFile(application, container))) ??
      report.message ??
      'runc was killed';
    const lines = restore ? await criuErrors(join(restore.workDirectory, 'restore.log')) : [];
    const reason = lines[0] ?? withoutPreamble(told);
    const what = restore ? 'restored' : 'started';
    throw new CmigError('tool-failed', `container ${container} could not be ${what}: ${reason}`, {
      tool: {
        argv: [this.#runc.program, restore ? 'restore' : 'create', containerId(application, container)],
        output: [...lines, told].slice(0, 12),
      },
    });
  }
}

/** runc tells on its way out through which of its functions it went; what counts stands last. */
const withoutPreamble = (told: string): string =>
  (told.split('\n')[0] ?? told).replace(
    /^(runc \w+ failed: |unable to start container process: |error during container init: )+/,
    '',
  );

/** The lines of a log of criu's that say what went wrong, the first first. */
export async function criuErrors(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => /Error|BUG at/.test(line) && !/RLIMIT_NOFILE/.test(line))
    .map((line) => line.replace(/^\([0-9.]+\)\s*/, '').trim())
    .slice(0, 8);
}
