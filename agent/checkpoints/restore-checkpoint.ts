// Sets an application back to a checkpoint on this host: what runs is given up only when that is restored and held.
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import { FrozenImages } from '../migration/frozen-images.ts';
import type { Machine } from '../migration/machine.ts';
import { abortOuterConnections, type OuterConnection, resetPeers } from '../network/outer-connections.ts';
import { HeldRestore } from '../runtime/held-restore.ts';
import { syncFolder } from '../store/durable-file.ts';
import { FrozenApplication } from './frozen-application.ts';
import { told } from './local-copy.ts';
import type { RestoreJournal, RestoreRecord } from './restore-journal.ts';

export interface RestoreEnding {
  frozenMs: number;
  closedConnections: number;
}

/**
 * One restore. Names, addresses, mounts and cgroups are there only once, so what runs cannot stay frozen beside what
 * takes its place: it is dumped, its memory flushed to disk and its files moved out of the way, and only then does it
 * end. Until the checkpoint is restored and held, every failure, and every crash, leads back to it.
 */
export class RestoreCheckpoint {
  readonly #machine: Machine;
  readonly #journal: RestoreJournal;
  readonly #record: RestoreRecord;

  constructor(machine: Machine, journal: RestoreJournal, record: RestoreRecord) {
    this.#machine = machine;
    this.#journal = journal;
    this.#record = record;
  }

  get #name(): string {
    return this.#record.after.manifest.metadata.name;
  }
  get #oldImages(): string {
    return join(this.#journal.old(this.#record.id), 'images');
  }

  /**
   * @param checkpoint its folder, verified
   * @throws CmigError what went wrong; the application then runs on as before, with its connections
   */
  async run(checkpoint: string): Promise<RestoreEnding> {
    await this.#journal.save(this.#record);
    const frozen = this.#whatRan();
    try {
      await this.#makeReady(checkpoint);
      await this.#suspend();
      if (frozen) {
        await frozen.freeze();
        await frozen.mustBeHeld();
        await Promise.all([frozen.noteSockets(), new FrozenImages(this.#oldImages).keep()]);
        this.#record.peers = frozen.connections;
      }
      if (this.#record.keep && frozen)
        Object.assign(this.#record.keep, {
          connections: frozen.connections.length,
          sockets: frozen.sockets,
          frozenAtMs: frozen.frozenAtMs,
          createdAt: new Date(frozen.frozenAtMs).toISOString(),
        });
    } catch (error) {
      await this.#turnBack(frozen);
      throw told(error);
    }
    const restore = new HeldRestore(this.#machine, this.#record.after);
    try {
      await this.#save('ending');
      await frozen?.end();
      await this.#save('replacing');
      await this.#replace();
      await restore.restoreAndHold(join(this.#journal.fresh(this.#record.id), 'images'));
    } catch (error) {
      await this.#goBack(restore, error);
      throw told(error);
    }
    if (this.#record.keep) this.#record.keep.frozenMs = frozen ? frozen.frozenMs : 0;
    await this.#save('committed');
    const closedConnections = await this.#open(restore);
    const frozenMs = frozen ? frozen.frozenMs : 0;
    await this.#adopt(restore);
    return { frozenMs, closedConnections };
  }

  /** After a crash of the agent or of the host. */
  async recover(): Promise<void> {
    const { state } = this.#record;
    const restore = new HeldRestore(this.#machine, this.#record.after);
    if (state === 'preparing') return this.#turnBack(this.#whatRan());
    if (state !== 'committed') return this.#goBack(restore, 'its agent was killed');
    // After a reboot nothing of it runs, and it starts afresh from its files, as after any reboot.
    if (this.#machine.network.exists(this.#name)) await this.#open(restore);
    await this.#adopt(restore);
  }

  #whatRan(): FrozenApplication | undefined {
    const { before } = this.#record;
    if (!before?.running) return undefined;
    return new FrozenApplication(this.#machine, before.application, this.#oldImages);
  }

  async #save(state: RestoreRecord['state']): Promise<void> {
    this.#record.state = state;
    await this.#journal.save(this.#record);
  }

  /** While the application runs: what is then only to be moved into its place. */
  async #makeReady(checkpoint: string): Promise<void> {
    const fresh = this.#journal.fresh(this.#record.id);
    await mkdir(fresh, { recursive: true });
    const copy = ['-a', '--reflink=auto', '-t', fresh, '--', join(checkpoint, 'files')];
    await runProcess('cp', copy, { timeoutMs: 0 });
    // criu writes its log beside the images, but never into one of them.
    const images = ['-t', fresh, '--', join(checkpoint, 'images')];
    const linked = await runProcess('cp', ['-al', ...images], { allowedExitCodes: [0, 1], timeoutMs: 0 });
    if (linked.exitCode !== 0) await runProcess('cp', ['-a', ...images], { timeoutMs: 0 });
    for (const root of ['containers', 'volumes'])
      await mkdir(join(fresh, 'files', root), { recursive: true });
    // Else it would be the pause that waits for the disk, or a power cut that finds empty files.
    await runProcess('sync', ['-f', fresh], { timeoutMs: 0 });
  }

  async #suspend(): Promise<void> {
    const { applications, supervisor } = this.#machine;
    const { before, after, id } = this.#record;
    const mark = { id, role: 'restore' } as const;
    if (!before) await applications.put({ ...after, migration: mark });
    await supervisor.suspend(this.#name, mark);
  }

  /** What ran before is at most frozen. */
  async #turnBack(frozen: FrozenApplication | undefined): Promise<void> {
    const { supervisor, network, context } = this.#machine;
    const { before, id } = this.#record;
    const under = supervisor.has(this.#name) ? supervisor.record(this.#name).migration : undefined;
    if (under?.id === id) {
      if (!before) await supervisor.forget(this.#name);
      else {
        if (frozen && network.exists(this.#name))
          await frozen
            .thaw()
            .catch((error) =>
              context.log.error({ err: error, application: this.#name }, 'could not be thawed'),
            );
        await supervisor.resume(this.#name);
        supervisor.startWanted(this.#name);
      }
    }
    await this.#journal.remove(id);
  }

  /** The old files out of the way, the new ones in their place, a network that is locked. */
  async #replace(): Promise<void> {
    const { applications, network, context } = this.#machine;
    const { before, after, id } = this.#record;
    if (before) await this.#removeRuntime(before.application);
    const here = context.paths.application(this.#name);
    await mkdir(join(this.#journal.old(id), 'files'), { recursive: true });
    for (const root of before?.roots ?? [])
      await rename(join(here, root), join(this.#journal.old(id), 'files', root));
    for (const root of ['containers', 'volumes'])
      await rename(join(this.#journal.fresh(id), 'files', root), join(here, root));
    await syncFolder(here);
    await applications.put({ ...after, migration: { id, role: 'restore' } });
    await network.create(this.#name, after, { locked: true });
  }

  async #removeRuntime(application: RestoreRecord['after']): Promise<void> {
    const { runtime, network } = this.#machine;
    for (const { name } of application.manifest.spec.containers) await runtime.remove(application, name);
    await network.destroy(this.#name);
  }

  /** From wherever it is before the commit: what ran before is restored, with its connections. */
  async #goBack(restore: HeldRestore, why: unknown): Promise<void> {
    const { supervisor, context, network, applications } = this.#machine;
    const { before, after, id } = this.#record;
    context.log.warn({ err: why, application: this.#name }, 'a restore goes back to what ran before');
    // What waits for a verdict is what ran before, or what was restored in its place: neither may run now.
    if (this.#record.state === 'replacing') await restore.cancel();
    else await this.#whatRan()?.end();
    await this.#removeRuntime(after);
    if (!before) {
      await supervisor.forget(this.#name);
      return this.#journal.remove(id);
    }
    await this.#removeRuntime(before.application);
    await this.#putBackFiles(before.roots);
    await applications.put({ ...before.application, migration: { id, role: 'restore' } });
    if (before.running) {
      const again = new HeldRestore(this.#machine, before.application);
      try {
        await network.create(this.#name, before.application, { locked: true });
        await again.restoreAndHold(this.#oldImages);
        await again.letGo();
        await again.settled();
      } catch (error) {
        context.log.error(
          { err: error, application: this.#name },
          'could not go on from its frozen images: it starts afresh',
        );
        await again.cancel();
        await this.#removeRuntime(before.application);
      }
    }
    await supervisor.adopt(before.application);
    await this.#journal.remove(id);
    supervisor.startWanted(this.#name);
  }

  async #putBackFiles(roots: readonly string[]): Promise<void> {
    const here = this.#machine.context.paths.application(this.#name);
    const failed = join(this.#journal.folder(this.#record.id), 'failed');
    await mkdir(failed, { recursive: true });
    for (const root of ['containers', 'volumes']) {
      const old = join(this.#journal.old(this.#record.id), 'files', root);
      const isMoved = existsSync(old);
      // Where there was nothing to move, what is there now came from the checkpoint.
      if ((isMoved || !roots.includes(root)) && existsSync(join(here, root))) {
        await rm(join(failed, root), { recursive: true, force: true });
        await rename(join(here, root), join(failed, root));
      }
      if (isMoved) await rename(old, join(here, root));
    }
    await syncFolder(here);
  }

  /** @returns how many connections of the checkpoint were closed */
  async #open(restore: HeldRestore): Promise<number> {
    const { network, context } = this.#machine;
    const { after, peers = [] } = this.#record;
    // An agent before this one may have opened it already.
    const isLocked = await network.isLocked(this.#name);
    const closed: OuterConnection[] = [];
    if (isLocked) {
      await network.attach(this.#name);
      closed.push(...(await abortOuterConnections(this.#name, after.address)));
    }
    await restore.letGo();
    await resetPeers(this.#name, [...peers, ...closed]).catch((error) =>
      context.log.warn({ err: error }, 'peers could not be told that their connections are no more'),
    );
    return closed.length;
  }

  async #adopt(restore: HeldRestore): Promise<void> {
    const { applications, supervisor } = this.#machine;
    const { after } = this.#record;
    await restore.settled();
    await applications.put(after);
    await supervisor.adopt(after);
    supervisor.startWanted(this.#name);
  }
}
