// Holds a container at the moment criu has dumped or restored it, until both hosts agree on what becomes of it.
import { constants } from 'node:fs';
import { appendFile, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import type { Freezer } from './freezer.ts';
import { type ProcessEntry, readProcess, signalProcess } from './process-table.ts';

/**
 * criu runs this with the name of the stage; the pause of the application is waiting for it, so it is the shell and not
 * Node. It opens the FIFO for reading *and* writing: the death of the agent must not look like a verdict. What was
 * dumped is frozen besides: should criu be killed, its processes would run on at once, with sockets that fail. criu before
 * 4.2 reads the configuration twice, and so runs it twice: what has been said once holds. `true` and not `:` notes it: where
 * there is no room for the note the shell would end at a `:`, and criu would turn back from what both hosts agreed on.
 */
const hookScript = (folder: string, freezer: Freezer | undefined): string => `#!/bin/sh
case "$CRTOOLS_SCRIPT_ACTION" in
post-dump | post-restore) ;;
*) exit 0 ;;
esac
[ ! -e '${folder}/proceeds' ] || exit 0
exec 3<>'${folder}/verdict'
${freezer ? `echo ${freezer.frozen} >'${freezer.file}'\n` : ''}echo $$ >'${folder}/held'
read -r verdict <&3
[ "$verdict" != 0 ] || true >'${folder}/proceeds'
${freezer ? `echo ${freezer.thawed} >'${freezer.file}'\n` : ''}exit "\${verdict:-1}"
`;

/**
 * 64 MiB of a deleted, still open file travel within the images. A connection that waits to be accepted is left behind,
 * and its peer told so by a reset: criu cannot take it along, and would refuse the whole dump. There is one only where
 * the application does not accept: it goes on running, behind the lock, for the 0.1 s that criu needs before it seizes
 * it. See also criu-defaults.ts.
 */
const criuOptions = (folder: string, trackMemory: boolean): string =>
  [
    // criu overrules runc here, whose option of that name knows no `ignore` before version 1.2; without = it is not heard
    'manage-cgroups=ignore',
    'tcp-established',
    'file-locks',
    'skip-in-flight',
    ...(trackMemory ? ['track-mem'] : []),
    'ghost-limit 67108864',
    `action-script ${folder}/hook`,
    '',
  ].join('\n');

export type Verdict = 'proceed' | 'cancel';

/** One container's meeting point with criu's hook, in its folder below the run directory. */
export class CriuHold {
  readonly #folder: string;

  /** `folder`: absolute, without quotes; also where config.json's annotation org.criu.config points (criu.conf). */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Made ready before each dump and each restore; what an earlier one left is gone. `freezer` for a dump only: at a
   * restore criu and its hook are in that cgroup themselves. `trackMemory`: from this dump on, for one that builds upon it.
   */
  async arm(freezer?: Freezer, trackMemory = false): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await rm(join(this.#folder, 'held'), { force: true });
    await rm(join(this.#folder, 'verdict'), { force: true });
    await rm(join(this.#folder, 'proceeds'), { force: true });
    await runProcess('mkfifo', ['-m', '600', join(this.#folder, 'verdict')]);
    await writeFile(join(this.#folder, 'hook'), hookScript(this.#folder, freezer), { mode: 0o700 });
    await writeFile(join(this.#folder, 'criu.conf'), criuOptions(this.#folder, trackMemory));
  }

  /**
   * After `arm`, for the restore of what has a baseline: it keeps nothing in registers that only some CPUs have, and
   * preflight has looked at this one. criu would refuse every CPU without XSAVE what was dumped on one with it.
   */
  async acceptAnyCpu(): Promise<void> {
    await appendFile(join(this.#folder, 'criu.conf'), 'cpu-cap=none\n');
  }

  /** The container is held: its hook waits for a verdict, and the criu that waits for the hook lives. */
  async isHeld(): Promise<boolean> {
    return (await this.#criu(await this.#hook())) !== undefined;
  }

  /** The criu that waits for this hook. */
  async #criu(hook: ProcessEntry | undefined): Promise<ProcessEntry | undefined> {
    let entry = hook;
    // criu starts the hook through a shell, which may or may not have become it.
    for (let generation = 0; entry && generation < 4; generation += 1) {
      if (entry.name === 'criu') return entry.state === 'Z' ? undefined : entry;
      entry = await readProcess(entry.parent);
    }
    return undefined;
  }

  // A pid alone could be somebody else's by now.
  async #hook(): Promise<ProcessEntry | undefined> {
    const text = await readFile(join(this.#folder, 'held'), 'utf8').catch(() => '');
    const entry = text.endsWith('\n') ? await readProcess(Number(text)) : undefined;
    return entry?.commandLine.includes(join(this.#folder, 'hook')) ? entry : undefined;
  }

  /** @throws what `failed` rejects with, if that comes first; it also sets the limit. */
  async waitUntilHeld(failed: Promise<never>): Promise<void> {
    const controller = new AbortController();
    const held = (async () => {
      while (!controller.signal.aborted && !(await this.isHeld())) await sleep(4);
    })();
    try {
      await Promise.race([failed, held]);
    } finally {
      controller.abort();
    }
  }

  /**
   * Lets criu go on, or turn back. A hook that is not waiting is no error: there is nothing to tell.
   * @returns `lost` where a hook waits, but the criu that waited for it is no more
   */
  async release(verdict: Verdict): Promise<'told' | 'none' | 'lost'> {
    const hook = await this.#hook();
    if (!hook) return 'none';
    const criu = await this.#criu(hook);
    if (!criu) {
      // It would thaw what only a criu may let go; and runc does not notice while it holds the line to criu.
      signalProcess(hook.pid, 'SIGKILL');
      return 'lost';
    }
    // Stopped by whomever, it would never hear.
    signalProcess(criu.pid, 'SIGCONT');
    const handle = await open(join(this.#folder, 'verdict'), constants.O_WRONLY | constants.O_NONBLOCK).catch(
      (error) => {
        if (['ENXIO', 'ENOENT'].includes(error.code)) return undefined;
        throw new CmigError('failed', `criu's hook in ${this.#folder} cannot be answered`, { cause: error });
      },
    );
    if (!handle) return 'none';
    try {
      await handle.write(verdict === 'proceed' ? '0\n' : '1\n');
    } finally {
      await handle.close();
    }
    return 'told';
  }
}
