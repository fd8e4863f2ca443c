// runc: the argument vectors, and its errors out of its own log.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { mountPointsBelow } from '../../src/core/mount-points.ts';
import { type ProcessResult, type RunOptions, runProcess } from '../../src/core/run-process.ts';
import type { Programs } from '../context.ts';
import { emulatorWords } from '../cpu/emulator.ts';
import { findProgram } from '../cpu/find-program.ts';
import { type AgentPaths, containerId } from '../store/paths.ts';

export interface RuncState {
  id: string;
  status: 'creating' | 'created' | 'running' | 'paused' | 'stopped';
  /** 0 where it is stopped. */
  pid: number;
  bundle: string;
}

export class Runc {
  readonly #programs: Programs;
  readonly #paths: AgentPaths;

  constructor(programs: Programs, paths: AgentPaths) {
    this.#programs = programs;
    this.#paths = paths;
  }

  get program(): string {
    return this.#programs.runc;
  }

  /** What comes before the subcommand. With a container, errors go to its own log as JSON lines. */
  globalArguments(application?: string, container?: string): string[] {
    return [
      `--root=${this.#paths.runcRoot}`,
      ...(application && container
        ? [`--log=${this.#paths.runcLogFile(application, container)}`, '--log-format=json']
        : []),
    ];
  }

  /** The whole argument vector, for who starts it beside this class (conmon, a checkpoint that is held). */
  arguments(application: string, container: string, subcommand: string, ...rest: string[]): string[] {
    return [...this.globalArguments(application, container), subcommand, ...rest];
  }

  /** @returns undefined where runc knows no such container */
  async state(application: string, container: string): Promise<RuncState | undefined> {
    const id = containerId(application, container);
    const result = await runProcess(this.#programs.runc, [...this.globalArguments(), 'state', id], {
      env: this.#programs.env,
      allowedExitCodes: [0, 1],
      timeoutMs: 20_000,
    });
    if (result.exitCode === 0) return JSON.parse(result.stdout) as RuncState;
    if (/does not exist/.test(result.stderr)) return undefined;
    throw new CmigError('tool-failed', `runc state of ${id} failed: ${result.stderr.trim()}`);
  }

  /** All containers of this host. */
  async list(): Promise<RuncState[]> {
    const { stdout } = await runProcess(
      this.#programs.runc,
      [...this.globalArguments(), 'list', '--format', 'json'],
      { env: this.#programs.env },
    );
    return (JSON.parse(stdout || 'null') as RuncState[] | null) ?? [];
  }

  /** The processes of a container, by this host's numbers; none where it does not run. */
  async processes(application: string, container: string): Promise<number[]> {
    const id = containerId(application, container);
    const { stdout } = await runProcess(
      this.#programs.runc,
      [...this.globalArguments(), 'ps', '--format', 'json', id],
      { env: this.#programs.env, allowedExitCodes: [0, 1] },
    );
    return stdout.startsWith('[') ? (JSON.parse(stdout) as number[]) : [];
  }

  /** A command as it is to be run in a container: where that is emulated, so is what is run in it. */
  async commandIn(application: string, container: string, command: readonly string[]): Promise<string[]> {
    const file = join(this.#paths.bundle(application, container), 'config.json');
    const bundle = JSON.parse(await readFile(file, 'utf8')) as {
      process: { args: string[]; env: string[]; cwd: string };
    };
    const { args, env, cwd } = bundle.process;
    const emulator = emulatorWords(args);
    if (emulator.length === 0) return [...command];
    const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
    const rootfs = this.#paths.rootfs(application, container);
    const found = await findProgram(command, { rootfs, path, workingDir: cwd });
    return [...emulator, ...(found?.argv ?? command)];
  }

  async start(application: string, container: string): Promise<void> {
    await this.run(application, container, ['start', containerId(application, container)]);
  }

  /** Whether it was there to be killed. */
  async kill(application: string, container: string, signal: string): Promise<boolean> {
    const id = containerId(application, container);
    const result = await runProcess(this.#programs.runc, [...this.globalArguments(), 'kill', id, signal], {
      env: this.#programs.env,
      allowedExitCodes: [0, 1],
    });
    if (result.exitCode === 0) return true;
    if (/not running|does not exist|already finished|no such process/i.test(result.stderr)) return false;
    throw new CmigError('tool-failed', `${id} could not be sent ${signal}: ${result.stderr.trim()}`);
  }

  /** Forgets a container, its processes and its cgroup; nothing where it is not known. */
  async delete(application: string, container: string): Promise<void> {
    const id = containerId(application, container);
    const folder = join(this.#paths.runcRoot, id);
    // While it restores, runc has the root file system mounted there a second time. Killed in the midst of that it
    // leaves it so; and to delete the container it would delete everything below this folder, through the mount.
    for (const mountPoint of await mountPointsBelow(folder)) await runProcess('umount', ['-l', mountPoint]);
    await this.run(application, container, ['delete', '--force', id]);
    // It does not know the container of such a restore, but would refuse to make another one of that name.
    await runProcess('rm', ['-rf', '--one-file-system', folder]);
  }

  async pause(application: string, container: string): Promise<void> {
    await this.run(application, container, ['pause', containerId(application, container)]);
  }

  async resume(application: string, container: string): Promise<void> {
    await this.run(application, container, ['resume', containerId(application, container)]);
  }

  /** Runs a subcommand. @throws CmigError `tool-failed` with the error that runc wrote to its log */
  async run(
    application: string,
    container: string,
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<ProcessResult> {
    await mkdir(this.#paths.runtime(application, container), { recursive: true, mode: 0o700 });
    try {
      return await runProcess(
        this.#programs.runc,
        [...this.globalArguments(application, container), ...args],
        { env: this.#programs.env, ...options },
      );
    } catch (error) {
      if (!(error instanceof CmigError) || error.code !== 'tool-failed') throw error;
      const told = await lastRuncError(this.#paths.runcLogFile(application, container));
      if (!told) throw error;
      throw new CmigError('tool-failed', `${args[0]} of ${containerId(application, container)}: ${told}`, {
        tool: error.tool,
        cause: error.cause,
      });
    }
  }
}

/** The last error in a log that runc wrote with --log-format=json. */
export async function lastRuncError(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.trimEnd().split('\n').reverse();
  for (const line of lines) {
    try {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
      if (level === 'error' && msg) return msg;
    } catch {
      // a line torn by a killed runc
    }
  }
  return undefined;
}
