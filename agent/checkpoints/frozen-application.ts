// An application that stands still with all its containers dumped, until it is told to run on or to end.
import { join } from 'node:path';
import type { CheckpointSocket } from '../../src/contract/checkpoint.ts';
import { CmigError } from '../../src/core/errors.ts';
import type { Machine } from '../migration/machine.ts';
import { listOuterConnections, type OuterConnection } from '../network/outer-connections.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { listMappedFiles, locateFile } from '../transfer/mapped-files.ts';
import { listSockets } from './list-sockets.ts';

type Tools = Pick<Machine, 'network' | 'checkpoints' | 'runc'>;

export class FrozenApplication {
  readonly #tools: Tools;
  readonly #record: ApplicationRecord;
  /** A folder for each container. */
  readonly #images: string;
  #frozenAt = 0;
  /** Milliseconds since the epoch: files that are written later are none of this instant's. */
  frozenAtMs = 0;
  /** With peers outside the application. */
  connections: OuterConnection[] = [];
  /** All of them, once `noteSockets` has settled. */
  sockets: CheckpointSocket[] = [];
  #frozenPids: Promise<Map<string, number[]>> | undefined;

  constructor(tools: Tools, record: ApplicationRecord, images: string) {
    this.#tools = tools;
    this.#record = record;
    this.#images = images;
  }

  get #name(): string {
    return this.#record.manifest.metadata.name;
  }
  get #containers(): string[] {
    return this.#record.manifest.spec.containers.map(({ name }) => name);
  }

  /**
   * @param trackedSince container -> the images since which its memory is tracked; absent where it is not to be
   * @throws CmigError `tool-failed` with criu's words; `thaw` then puts everything right
   */
  async freeze(trackedSince?: Map<string, string>): Promise<void> {
    const { network, checkpoints } = this.#tools;
    this.connections = await listOuterConnections(this.#name, this.#record.address);
    this.#frozenAt = performance.now();
    this.frozenAtMs = Date.now();
    await network.lock(this.#name);
    const dumps = await Promise.allSettled(
      this.#containers.map((name) =>
        checkpoints.dumpAndHold(
          this.#name,
          name,
          join(this.#images, name),
          trackedSince && { since: trackedSince.get(name) },
        ),
      ),
    );
    for (const dump of dumps) if (dump.status === 'rejected') throw dump.reason;
  }

  /** While it is held. It cannot fail: a checkpoint is one without it too. */
  async noteSockets(): Promise<void> {
    this.#frozenPids ??= this.#pids();
    const pids = await this.#frozenPids.catch(() => new Map<string, number[]>());
    this.sockets = await listSockets([...pids].map(([name, ofIt]) => ({ name, pids: ofIt }))).catch(() => []);
  }

  /** @throws CmigError `failed` where one may have run on since it was dumped, its criu having been killed */
  async mustBeHeld(): Promise<void> {
    for (const name of this.#containers)
      if (!(await this.#tools.checkpoints.hold(this.#name, name).isHeld()))
        throw new CmigError(
          'failed',
          `container ${name} was let go while it was dumped: its criu was killed`,
        );
  }

  /** Also where only a part of it is frozen, or nothing. @returns how long it stood still, in milliseconds */
  async thaw(): Promise<number> {
    const { network } = this.#tools;
    const unlock = async () => (network.exists(this.#name) ? network.unlock(this.#name) : undefined);
    // Before the processes run again: what they send each other over loopback must not be dropped.
    const isUnlocked = await unlock().then(
      () => true,
      () => false,
    );
    await this.#conclude('cancel');
    // That must not have kept them frozen; it is tried once more, and told where it fails again.
    if (!isUnlocked) await unlock();
    return this.frozenMs;
  }

  /** Its processes end without having run again; its connections end without a word. */
  async end(): Promise<void> {
    await this.#conclude('proceed');
  }

  get frozenMs(): number {
    return this.#frozenAt ? Math.round(performance.now() - this.#frozenAt) : 0;
  }

  /** What its processes write through memory, as paths below its folder. */
  async mappedFiles(): Promise<string[]> {
    // What stands still begins no process, so that it need not be asked for twice.
    const pids = await (this.#frozenPids ?? this.#pids());
    const found = await Promise.all(
      this.#record.manifest.spec.containers.map(async ({ name, volumes = [] }) => {
        const mapped = await listMappedFiles(pids.get(name) ?? []);
        return mapped.map((path) => locateFile({ name, volumes }, path));
      }),
    );
    return found.flat();
  }

  async #pids(): Promise<Map<string, number[]>> {
    const { runc } = this.#tools;
    const list = async (name: string) => [name, await runc.processes(this.#name, name)] as const;
    return new Map(await Promise.all(this.#containers.map(list)));
  }

  async #conclude(verdict: 'cancel' | 'proceed'): Promise<void> {
    await Promise.all(
      this.#containers.map((name) =>
        this.#tools.checkpoints.conclude(this.#name, name, verdict, join(this.#images, name)),
      ),
    );
  }
}
