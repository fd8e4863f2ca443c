// Restores all containers of an application from criu's images, in parallel, and holds them until they are let go.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { ApplicationNetwork } from '../network/application-network.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { continueCriu, familyOf, killAll, listProcessTable, type ProcessEntry } from './process-table.ts';
import { ProgressWatch } from './progress-watch.ts';

/** A restore that has used no CPU for so long hangs. */
const silenceAtMostMs = 10_000;
/** What is given up is killed after so long: nothing of it is worth waiting for. */
const cancelTimeoutMs = 2000;
/**
 * After the verdict criu, runc and conmon have work to do. Where none of them has worked for so long, and none waits for
 * a processor or a disk, no report comes any more: they hang, or criu was killed before it had told runc.
 */
const restAtMostMs = 10_000;
/** The same where criu has gone without a word in its log that all is restored: it was killed. */
const restWithoutCriuAtMostMs = 1500;

export interface RestoreTools {
  runtime: ContainerRuntime;
  checkpoints: Checkpoints;
  network: ApplicationNetwork;
}

/** One application on its way back to life; its network namespace exists and is locked. */
export class HeldRestore {
  readonly #tools: RestoreTools;
  readonly #record: ApplicationRecord;
  /** Settle when conmon knows the pid, which is after the hold. */
  readonly #finished = new Map<string, Promise<unknown>>();
  /** criu's logs. */
  readonly #logs = new Map<string, string>();

  constructor(tools: RestoreTools, record: ApplicationRecord) {
    this.#tools = tools;
    this.#record = record;
  }

  get #application(): string {
    return this.#record.manifest.metadata.name;
  }

  get #containers(): string[] {
    return this.#record.manifest.spec.containers.map(({ name }) => name);
  }

  /**
   * Resolves when every container is restored and held. `imagesFolder` has a folder for each.
   * @throws CmigError `tool-failed` with the first container's error, once none is being restored any more
   */
  async restoreAndHold(imagesFolder: string, signal?: AbortSignal): Promise<void> {
    const restores = await Promise.allSettled(
      this.#containers.map((name) => this.#restoreOne(name, join(imagesFolder, name), signal)),
    );
    for (const restore of restores) if (restore.status === 'rejected') throw restore.reason;
  }

  /** Every container still waits to be let go. */
  async isHeld(): Promise<boolean> {
    const held = this.#containers.map((name) =>
      this.#tools.checkpoints.hold(this.#application, name).isHeld(),
    );
    return (await Promise.all(held)).every(Boolean);
  }

  /** Lock open, link attached, processes let go, address announced. May be called again after a crash. */
  async letGo(): Promise<void> {
    const { network } = this.#tools;
    if (network.exists(this.#application)) {
      // First the lock, then the processes: what they send each other over loopback must not be dropped.
      await network.unlock(this.#application);
      await network.attach(this.#application);
    }
    await this.#release('proceed');
    if (network.exists(this.#application)) await network.announce(this.#record);
  }

  /**
   * Resolves when runc and conmon have taken over what was let go. Where they have not, because criu was killed or
   * hangs, the container is ended, and is left to its restart policy.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#containers.map((name) => this.#settleOne(name)));
  }

  /** The restored processes die without having run; a criu that does not heed the verdict is ended with all of its own. */
  async cancel(): Promise<void> {
    await Promise.all(this.#containers.map((name) => this.#cancelOne(name)));
    await Promise.allSettled(this.#finished.values());
    this.#finished.clear();
  }

  /** Also where the restore is not there yet, because the agent that began it was killed meanwhile. */
  async #cancelOne(name: string): Promise<void> {
    const hold = this.#tools.checkpoints.hold(this.#application, name);
    const ended = async () => {
      const heard = await hold.release('cancel');
      return heard === 'lost' || (await this.#shim(name)) === undefined;
    };
    const what = `the end of the restore of ${name}`;
    await waitFor(ended, { timeoutMs: cancelTimeoutMs, intervalMs: 10, what }).catch((error) => {
      if (codeOf(error) !== 'timeout') throw error;
    });
    await this.#kill(name);
  }

  async #settleOne(name: string): Promise<void> {
    const finished = this.#finished.get(name);
    const isThere = await (finished ? this.#isReported(name, finished) : this.#isThere(name));
    if (isThere) return;
    await this.#kill(name);
    await this.#tools.runtime.forget(this.#application, name);
  }

  /** False as soon as no report can come any more: what was restored keeps runc's line to a dead criu open. */
  async #isReported(name: string, finished: Promise<unknown>): Promise<boolean> {
    let reported: boolean | undefined;
    finished.then(
      () => {
        reported = true;
      },
      () => {
        reported = false;
      },
    );
    let workedAt = performance.now();
    let ticksBefore = 0;
    while (reported === undefined) {
      await sleep(50);
      if (reported !== undefined) break;
      const tools = (await this.#family(name)).filter((entry) => /^(criu|runc|conmon)/.test(entry.name));
      const ticks = tools.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
      if (ticks !== ticksBefore || tools.some(({ state }) => state === 'R' || state === 'D'))
        workedAt = performance.now();
      ticksBefore = ticks;
      const reportMayCome =
        tools.some((entry) => entry.name === 'criu' && entry.state !== 'Z') ||
        (await hasRestored(this.#logs.get(name)));
      if (performance.now() - workedAt > (reportMayCome ? restAtMostMs : restWithoutCriuAtMostMs))
        return false;
    }
    return reported;
  }

  /** What an agent before this one restored, so that nobody here was told. */
  async #isThere(name: string): Promise<boolean> {
    const look = async () => {
      if ((await this.#shim(name)) === undefined) return { isThere: false };
      const state = await this.#tools.runtime.state(this.#application, name);
      return state?.status === 'running' && { isThere: true };
    };
    const what = `the end of the restore of ${name}`;
    const found = await waitFor(look, { timeoutMs: restAtMostMs, what }).catch((error) => {
      if (codeOf(error) !== 'timeout') throw error;
      return { isThere: false };
    });
    return found.isThere;
  }

  /** criu, what it restores, and the shim around both. */
  async #family(name: string): Promise<ProcessEntry[]> {
    const shim = await this.#shim(name);
    return shim === undefined ? [] : familyOf(await listProcessTable(), shim);
  }

  async #kill(name: string): Promise<void> {
    killAll(await this.#family(name));
  }

  #shim(name: string): Promise<number | undefined> {
    return this.#tools.runtime.conmon.pid(this.#application, name);
  }

  async #release(verdict: 'proceed' | 'cancel'): Promise<void> {
    await Promise.all(
      this.#containers.map((name) => this.#tools.checkpoints.hold(this.#application, name).release(verdict)),
    );
  }

  async #restoreOne(name: string, images: string, signal: AbortSignal | undefined): Promise<void> {
    const { runtime, checkpoints } = this.#tools;
    await runtime.prepareBundle(this.#record, name);
    signal?.throwIfAborted();
    const hold = checkpoints.hold(this.#application, name);
    await hold.arm();
    if (this.#record.manifest.spec.cpu) await hold.acceptAnyCpu();
    const work = await checkpoints.newWorkDirectory(this.#application, name, images);
    const { finished } = await runtime.restoreWithConmon(this.#record, name, {
      imagesDirectory: images,
      workDirectory: work,
    });
    this.#finished.set(name, finished);
    this.#logs.set(name, join(work, 'restore.log'));
    const failed = finished.then((): never => {
      throw new CmigError('failed', `criu did not hold ${name} after its restore`);
    });
    failed.catch(() => {});
    // However large it is: criu works, or waits for a disk that it then has work from.
    const watch = new ProgressWatch(
      async () => (await this.#family(name)).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0),
      silenceAtMostMs,
      `the restore of ${name}`,
      async () => continueCriu(await this.#family(name)),
    );
    try {
      await hold.waitUntilHeld(Promise.race([failed, watch.expired]));
    } catch (error) {
      if (codeOf(error) === 'timeout') await this.#kill(name);
      throw error;
    } finally {
      watch.stop();
    }
  }
}

/** criu says at the end of its log that all is restored and runs. */
async function hasRestored(log: string | undefined): Promise<boolean> {
  const text = log === undefined ? '' : await readFile(log, 'utf8').catch(() => '');
  return text.includes('Restore finished successfully');
}
