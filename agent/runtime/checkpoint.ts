// Dumps a container with criu and holds it, frozen, until it is told what becomes of it.
import { constants } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import { spawnProcess } from '../../src/core/run-process.ts';
import type { Programs } from '../context.ts';
import { type AgentPaths, containerId } from '../store/paths.ts';
import { criuErrors } from './conmon.ts';
import { CriuHold, type Verdict } from './criu-hold.ts';
import { lastRuncError, type Runc } from './runc.ts';

/** A dump of an almost empty container takes 0.3 s; this is for tens of GiB on a slow disk. */
const dumpTimeoutMs = 10 * 60_000;
/** From the verdict to criu's end: thawing, or killing, is a matter of milliseconds. */
const verdictTimeoutMs = 30_000;

export class Checkpoints {
  readonly #programs: Programs;
  readonly #paths: AgentPaths;
  readonly #runc: Runc;

  constructor(programs: Programs, paths: AgentPaths, runc: Runc) {
    this.#programs = programs;
    this.#paths = paths;
    this.#runc = runc;
  }

  hold(application: string, container: string): CriuHold {
    return new CriuHold(this.#paths.runtime(application, container));
  }

  /**
   * Resolves when the container is dumped to `imagesDirectory` (absolute) and held.
   * @throws CmigError `tool-failed` with criu's own words; the container then runs on.
   */
  async dumpAndHold(application: string, container: string, imagesDirectory: string): Promise<void> {
    const id = containerId(application, container);
    await rm(imagesDirectory, { recursive: true, force: true });
    await mkdir(imagesDirectory, { recursive: true });
    const hold = this.hold(application, container);
    await hold.arm();
    await rm(this.#paths.runcLogFile(application, container), { force: true });
    // Detached and without pipes: the death of the agent must not take a dump with it that others rely on.
    const output = await open(
      join(imagesDirectory, 'runc.out'),
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
    );
    const child = spawnProcess(
      this.#programs.runc,
      this.#runc.arguments(
        application,
        container,
        'checkpoint',
        ...['--image-path', imagesDirectory, '--work-path', imagesDirectory],
        ...['--manage-cgroups-mode', 'ignore', '--tcp-established', '--file-locks'],
        id,
      ),
      { env: this.#programs.env, stdio: ['ignore', output.fd, output.fd], detached: true },
    );
    await writeFile(this.#pidFile(application, container), String(child.pid));
    const failed = child.ended.then(async (ending): Promise<never> => {
      await output.close();
      const lines = await criuErrors(join(imagesDirectory, 'dump.log'));
      const told =
        (await lastRuncError(this.#paths.runcLogFile(application, container))) ??
        'runc checkpoint ended early';
      throw new CmigError('tool-failed', `${container} could not be dumped: ${lines[0] ?? told}`, {
        tool: { argv: ['runc', 'checkpoint', id], ...ending, output: [...lines, told].slice(0, 12) },
      });
    });
    failed.catch(() => {});
    await hold.waitUntilHeld(dumpTimeoutMs, failed).catch((error) => {
      if (error instanceof CmigError && error.code === 'timeout') child.kill('SIGKILL');
      throw error;
    });
  }

  /**
   * Answers the hook, if one waits, and waits until the checkpoint has ended: `proceed` ends the container, `cancel`
   * lets it run on. What runc exits with says nothing here; whoever wants to know asks for its state.
   */
  async conclude(application: string, container: string, verdict: Verdict): Promise<void> {
    await this.hold(application, container).release(verdict);
    await waitFor(async () => !(await this.#isUnderWay(application, container)), {
      timeoutMs: verdictTimeoutMs,
      intervalMs: 10,
      what: `the end of the checkpoint of ${containerId(application, container)}`,
    });
  }

  /** Also for a checkpoint that an agent before this one began. */
  async #isUnderWay(application: string, container: string): Promise<boolean> {
    const pid = Number(await readFile(this.#pidFile(application, container), 'utf8').catch(() => ''));
    if (!pid) return false;
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    return words.includes('checkpoint') && words.includes(containerId(application, container));
  }

  #pidFile(application: string, container: string): string {
    return join(this.#paths.runtime(application, container), 'checkpoint.pid');
  }
}
