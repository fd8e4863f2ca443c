// Dumps a container with criu and holds it, frozen, until it is told what becomes of it.
import { constants } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from 'pino';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import { runProcess, spawnProcess } from '../../src/core/run-process.ts';
import type { Programs } from '../context.ts';
import { type AgentPaths, containerId } from '../store/paths.ts';
import { checkpointProcesses, findCheckpoint } from './checkpoint-processes.ts';
import { criuErrors } from './conmon.ts';
import { CriuHold, type Verdict } from './criu-hold.ts';
import { findFreezer, freeze } from './freezer.ts';
import { continueCriu, killAll, type ProcessEntry } from './process-table.ts';
import { ProgressWatch, sizeOfFolder } from './progress-watch.ts';
import { lastRuncError, type Runc } from './runc.ts';

/** A dump that has written nothing for so long hangs; pages are written all the time. */
const silenceAtMostMs = 15_000;
/** From the verdict to criu's end: thawing, or killing, is a matter of milliseconds. */
const verdictTimeoutMs = 10_000;

/** Where a dump has the images that it builds upon, with theirs in the same place below. */
export const olderImages = 'older';

export interface TrackedMemory {
  /** The images of the dump since which it has been tracked. */
  since?: string | undefined;
}

export class Checkpoints {
  readonly #programs: Programs;
  readonly #paths: AgentPaths;
  readonly #runc: Runc;
  readonly #log: Logger;

  constructor(programs: Programs, paths: AgentPaths, runc: Runc, log: Logger) {
    this.#programs = programs;
    this.#paths = paths;
    this.#runc = runc;
    this.#log = log;
  }

  hold(application: string, container: string): CriuHold {
    return new CriuHold(this.#paths.runtime(application, container));
  }

  /** An empty one: where criu writes its log of a dump to `imagesDirectory`, or of a restore from it. */
  async newWorkDirectory(application: string, container: string, imagesDirectory: string): Promise<string> {
    const directory = this.#workDirectory(application, container, imagesDirectory);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  /**
   * Resolves when the container is dumped to `imagesDirectory` (absolute) and held. With `memory` the kernel marks what
   * is written to from then on; where that names a dump, only what was written to since is dumped, and the rest is linked.
   * @throws CmigError `tool-failed` with criu's own words; the container then runs on.
   */
  async dumpAndHold(
    application: string,
    container: string,
    imagesDirectory: string,
    memory?: TrackedMemory,
  ): Promise<void> {
    const id = containerId(application, container);
    await rm(imagesDirectory, { recursive: true, force: true });
    await mkdir(imagesDirectory, { recursive: true });
    if (memory?.since)
      await runProcess('cp', ['-al', '-T', memory.since, join(imagesDirectory, olderImages)]);
    const work = await this.newWorkDirectory(application, container, imagesDirectory);
    const hold = this.hold(application, container);
    const freezer = await findFreezer(this.#paths.bundle(application, container));
    await hold.arm(freezer, memory !== undefined);
    await rm(this.#paths.runcLogFile(application, container), { force: true });
    // Detached and without pipes: the death of the agent must not take a dump with it that others rely on.
    const output = await open(
      join(work, 'runc.out'),
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
    );
    const child = spawnProcess(
      this.#programs.runc,
      this.#runc.arguments(
        application,
        container,
        'checkpoint',
        ...['--image-path', imagesDirectory, '--work-path', work],
        ...['--tcp-established', '--file-locks'],
        // runc wants it relative to the images
        ...(memory?.since ? ['--parent-path', olderImages] : []),
        id,
      ),
      { env: this.#programs.env, stdio: ['ignore', output.fd, output.fd], detached: true },
    );
    await writeFile(this.#paths.checkpointPidFile(application, container), String(child.pid));
    const failed = child.ended.then(async (ending): Promise<never> => {
      // Before its processes get far: their sockets are not to be used until they are mended.
      if (freezer && (await isTorn(work))) await freeze(freezer).catch(() => {});
      await output.close();
      const lines = await criuErrors(join(work, 'dump.log'));
      const told =
        (await lastRuncError(this.#paths.runcLogFile(application, container))) ??
        'runc checkpoint ended early';
      throw new CmigError('tool-failed', `${container} could not be dumped: ${lines[0] ?? told}`, {
        tool: { argv: ['runc', 'checkpoint', id], ...ending, output: [...lines, told].slice(0, 12) },
      });
    });
    failed.catch(() => {});
    const watch = new ProgressWatch(
      async () => (await sizeOfFolder(imagesDirectory)) + (await sizeOfFolder(work)),
      silenceAtMostMs,
      `the dump of ${id}`,
      async () => continueCriu(await this.#processes(application, container)),
    );
    try {
      await hold.waitUntilHeld(Promise.race([failed, watch.expired]));
    } catch (error) {
      if (codeOf(error) === 'timeout') await this.#killCheckpoint(application, container);
      throw error;
    } finally {
      watch.stop();
    }
  }

  /**
   * Answers the hook, as soon as one waits, and waits until the checkpoint has ended: `proceed` ends the container,
   * `cancel` lets it run on. What runc exits with says nothing here; whoever wants to know asks for its state.
   * `imagesDirectory` is that of the dump.
   */
  async conclude(
    application: string,
    container: string,
    verdict: Verdict,
    imagesDirectory: string,
  ): Promise<void> {
    await this.#end(application, container, verdict);
    if (verdict === 'proceed') return;
    const { status } = (await this.#runc.state(application, container)) ?? {};
    const work = this.#workDirectory(application, container, imagesDirectory);
    if (status === 'paused' || (await isTorn(work)))
      await this.#mend(application, container, `${imagesDirectory}.mend`);
    await rm(work, { recursive: true, force: true });
  }

  async #end(application: string, container: string, verdict: Verdict): Promise<void> {
    const hold = this.hold(application, container);
    const ended = async () => {
      // Also of a dump that an agent before this one began, and that is not there yet.
      await hold.release(verdict);
      return (await findCheckpoint(this.#paths, application, container)) === undefined;
    };
    try {
      await waitFor(ended, {
        timeoutMs: verdictTimeoutMs,
        intervalMs: 10,
        what: `the end of the checkpoint of ${containerId(application, container)}`,
      });
    } catch (error) {
      if (codeOf(error) !== 'timeout') throw error;
      await this.#killCheckpoint(application, container);
    }
  }

  /**
   * A criu that was killed leaves the processes' sockets in repair mode, in which using them fails. Another dump, which
   * is cancelled, puts that right; the container is paused until then. Where that fails it is tried with a container
   * that runs, as not every criu can dump a paused one, and where even that fails the container is ended: its restart
   * policy starts it afresh, and that is better than a container that stands still for good.
   */
  async #mend(application: string, container: string, scratchDirectory: string): Promise<void> {
    const state = await this.#runc.state(application, container);
    if (!state || state.status === 'stopped') return;
    const note = (error: unknown, what: string) =>
      this.#log.error({ err: error, application, container }, what);
    const resume = async () => {
      const { status } = (await this.#runc.state(application, container)) ?? {};
      if (status === 'paused') await this.#runc.resume(application, container);
    };
    try {
      if (state.status === 'running') await this.#runc.pause(application, container);
      await this.#cancelledDump(application, container, scratchDirectory);
    } catch (error) {
      note(error, 'a torn dump could not be mended while paused: tried again');
      await this.#killCheckpoint(application, container);
      await resume();
      await this.#cancelledDump(application, container, scratchDirectory).catch(async (again) => {
        note(again, 'a torn dump could not be mended: restarted afresh');
        await this.#killCheckpoint(application, container);
        await this.#runc.kill(application, container, 'SIGKILL');
      });
    } finally {
      await resume();
      const work = this.#workDirectory(application, container, scratchDirectory);
      for (const directory of [scratchDirectory, work]) await rm(directory, { recursive: true, force: true });
    }
  }

  async #cancelledDump(application: string, container: string, directory: string): Promise<void> {
    await this.dumpAndHold(application, container, directory);
    await this.#end(application, container, 'cancel');
    if (await isTorn(this.#workDirectory(application, container, directory)))
      throw new CmigError('failed', `criu was killed again at ${container}`);
  }

  /** Frozen first: without their criu its processes would run on at once. */
  async #killCheckpoint(application: string, container: string): Promise<void> {
    const freezer = await findFreezer(this.#paths.bundle(application, container));
    if (freezer) await freeze(freezer).catch(() => {});
    killAll(await this.#processes(application, container));
  }

  #processes(application: string, container: string): Promise<ProcessEntry[]> {
    return checkpointProcesses({ paths: this.#paths, runc: this.#runc }, application, container);
  }

  /**
   * Where criu writes its log, which tells whether it ended in order: not where the images are, as a full disk would cut
   * it short, and it would look as if criu had been killed.
   */
  #workDirectory(application: string, container: string, imagesDirectory: string): string {
    return join(this.#paths.runtime(application, container), `work-${basename(imagesDirectory)}`);
  }
}

/** criu says at the end of its log how it ended; one that was killed does not. */
async function isTorn(workDirectory: string): Promise<boolean> {
  const log = await readFile(join(workDirectory, 'dump.log'), 'utf8').catch(() => undefined);
  return log !== undefined && !/Dumping (FAILED|finished successfully)/.test(log);
}
