// Restores all containers of an application from criu's images, in parallel, and holds them until they are let go.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CmigError, codeOf } from '../../src/core/errors.ts';
import { waitFor } from '../../src/core/retry.ts';
import type { ApplicationNetwork } from '../network/application-network.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { familyOf, killAll, listProcessTable } from './process-table.ts';
import { sizeOfFolder } from './progress-watch.ts';

/** Beside a second for each so many bytes of images: criu reads them at disk speed, and says nothing meanwhile. */
const restoreBaseMs = 20_000;
const restoreBytesPerSecond = 20_000_000;
/** From the verdict to the end of criu and conmon. */
const verdictTimeoutMs = 10_000;

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
  readonly #finished: Promise<unknown>[] = [];

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

  /** Lock open, link attached, processes let go, address announced. May be called again after a crash. */
  async letGo(): Promise<void> {
    const { network } = this.#tools;
    if (network.exists(this.#application)) {
      // First the lock, then the processes: what they send each other over loopback must not be dropped.
      await network.unlock(this.#application);
      await network.attach(this.#application);
    }
    await this.#release('proceed');
    if (network.exists(this.#application)) await network.announce(this.#application, this.#record.address);
  }

  /** Resolves when runc and conmon have taken over what was let go. */
  async settled(): Promise<void> {
    await Promise.all(this.#finished);
    // Let go by this agent, but restored by one before it: nobody here was told when runc was through.
    if (this.#finished.length === 0)
      await Promise.all(this.#containers.map((name) => this.#untilKnown(name)));
  }

  /** The restored processes die without having run; a criu that does not heed the verdict is ended with all of its own. */
  async cancel(): Promise<void> {
    await Promise.all(this.#containers.map((name) => this.#cancelOne(name)));
    await Promise.allSettled(this.#finished);
  }

  /** Also where the restore is not there yet, because the agent that began it was killed meanwhile. */
  async #cancelOne(name: string): Promise<void> {
    const { conmon } = this.#tools.runtime;
    const hold = this.#tools.checkpoints.hold(this.#application, name);
    const ended = async () => {
      await hold.release('cancel');
      return (await conmon.pid(this.#application, name)) === undefined;
    };
    const options = {
      timeoutMs: verdictTimeoutMs,
      intervalMs: 10,
      what: `the end of the restore of ${name}`,
    };
    try {
      await waitFor(ended, options);
    } catch (error) {
      if (codeOf(error) !== 'timeout') throw error;
      const shim = await conmon.pid(this.#application, name);
      if (shim !== undefined) killAll(familyOf(await listProcessTable(), shim));
    }
  }

  async #untilKnown(name: string): Promise<void> {
    const { conmon, runc } = this.#tools.runtime;
    const isKnown = async () =>
      (await runc.state(this.#application, name))?.status === 'running' ||
      (await conmon.pid(this.#application, name)) === undefined;
    await waitFor(isKnown, {
      timeoutMs: verdictTimeoutMs,
      intervalMs: 50,
      what: `the end of the restore of ${name}`,
    });
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
    const { finished } = await runtime.restoreWithConmon(this.#record, name, {
      imagesDirectory: images,
      workDirectory: images,
    });
    this.#finished.push(finished);
    const failed = finished.then((): never => {
      throw new CmigError('failed', `criu did not hold ${name} after its restore`);
    });
    failed.catch(() => {});
    const limitMs = restoreBaseMs + ((await sizeOfFolder(images)) / restoreBytesPerSecond) * 1000;
    const limit = new AbortController();
    const expired = sleep(limitMs, undefined, { signal: limit.signal, ref: false }).then((): never => {
      throw new CmigError(
        'timeout',
        `the restore of ${name} did not end within ${Math.round(limitMs / 1000)} s and was ended`,
      );
    });
    expired.catch(() => {});
    try {
      await hold.waitUntilHeld(Promise.race([failed, expired]));
    } finally {
      limit.abort();
    }
  }
}
