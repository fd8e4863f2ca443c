// Sets an application back to a checkpoint on this host: what runs is given up only when that is restored and held.
import { join } from 'node:path';
import { FrozenImages } from '../migration/frozen-images.ts';
import type { Machine } from '../migration/machine.ts';
import { abortOuterConnections, type OuterConnection, resetPeers } from '../network/outer-connections.ts';
import { HeldRestore } from '../runtime/held-restore.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { FrozenApplication } from './frozen-application.ts';
import { giveBack } from './give-back.ts';
import { keepReplaced } from './keep-replaced.ts';
import { told } from './local-copy.ts';
import type { RestoreJournal, RestoreRecord } from './restore-journal.ts';
import { RestoredFiles } from './restored-files.ts';

export interface RestoreEnding {
  frozenMs: number;
  closedConnections: number;
  /** The checkpoint of what ran before. */
  kept?: string;
}

type Replaced = NonNullable<RestoreRecord['before']>;

/**
 * One restore. Names, addresses, mounts and cgroups are there only once, so what runs cannot stay frozen beside what
 * takes its place: it is dumped, its memory flushed to disk and its files moved out of the way, and only then does it
 * end. Until the checkpoint is restored and held, every failure, and every crash, leads back to it.
 */
export class RestoreCheckpoint {
  readonly #machine: Machine;
  readonly #store: CheckpointStore;
  readonly #journal: RestoreJournal;
  readonly #record: RestoreRecord;
  readonly #files: RestoredFiles;

  constructor(machine: Machine, store: CheckpointStore, journal: RestoreJournal, record: RestoreRecord) {
    this.#machine = machine;
    this.#store = store;
    this.#journal = journal;
    this.#record = record;
    this.#files = new RestoredFiles(machine.context.paths.application(this.#name), journal, record.id);
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
      await this.#files.makeReady(checkpoint);
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
      if (this.#record.keep) this.#record.keep.frozenMs = frozen ? frozen.frozenMs : 0;
      await this.#save('committed');
    } catch (error) {
      // What could not be written down is not so.
      if (this.#record.state === 'committed') this.#record.state = 'replacing';
      await this.#goBack(restore, error);
      throw told(error);
    }
    return this.#goOn(restore, frozen);
  }

  /** After a crash of the agent or of the host. */
  async recover(): Promise<void> {
    const { state } = this.#record;
    const restore = new HeldRestore(this.#machine, this.#record.after);
    if (state === 'preparing') return this.#turnBack(this.#whatRan());
    if (state !== 'committed') return this.#goBack(restore, 'its agent was killed');
    await this.#goOn(restore, undefined);
  }

  /** After the commit. */
  async #goOn(restore: HeldRestore, frozen: FrozenApplication | undefined): Promise<RestoreEnding> {
    const { applications, supervisor, network } = this.#machine;
    const { after } = this.#record;
    const ending: RestoreEnding = { frozenMs: 0, closedConnections: 0 };
    await this.#giveBack(async () => {
      // After a reboot nothing of it runs, and it starts afresh from its files, as after any reboot.
      if (network.exists(this.#name)) ending.closedConnections += await this.#open(restore);
      ending.frozenMs ||= frozen ? frozen.frozenMs : 0;
      await restore.settled();
      await applications.put(after);
      await supervisor.adopt(after);
      supervisor.startWanted(this.#name);
      const kept = await keepReplaced(this.#machine, this.#store, this.#journal, this.#record);
      if (kept) ending.kept = kept;
    });
    return ending;
  }

  #giveBack(work: () => Promise<void>): Promise<void> {
    return giveBack(this.#machine, { application: this.#name, id: this.#record.id }, work);
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
      let isThawed = !frozen || !network.exists(this.#name);
      const thaw = async (): Promise<void> => {
        if (!isThawed) await frozen?.thaw();
        isThawed = true;
      };
      await thaw().catch((error) =>
        context.log.error({ err: error, application: this.#name }, 'could not be thawed'),
      );
      await this.#files.removeAll();
      await this.#giveBack(async () => {
        await thaw();
        if (before) await supervisor.resume(this.#name);
        else await supervisor.forget(this.#name);
        await this.#journal.remove(id);
        supervisor.startWanted(this.#name);
      }).catch(() => {});
    } else await this.#journal.remove(id);
  }

  /** The old files out of the way, the new ones in their place, a network that is locked. */
  async #replace(): Promise<void> {
    const { applications, network } = this.#machine;
    const { before, after, id } = this.#record;
    if (before) await this.#removeRuntime(before.application);
    await this.#files.putInPlace(before?.roots ?? []);
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
    const { supervisor, context } = this.#machine;
    const { before, after, id } = this.#record;
    context.log.warn({ err: why, application: this.#name }, 'a restore goes back to what ran before');
    await this.#giveBack(async () => {
      if (this.#record.state !== 'returned') {
        // What waits for a verdict is what ran before, or what was restored in its place: neither may run now.
        if (this.#record.state === 'replacing') await restore.cancel();
        else await this.#whatRan()?.end();
        await this.#removeRuntime(after);
      }
      if (!before) await supervisor.forget(this.#name);
      else {
        if (this.#record.state !== 'returned') await this.#bringBack(before);
        await this.#letReturn(before);
      }
      await this.#journal.remove(id);
      supervisor.startWanted(this.#name);
    }).catch(() => {});
  }

  /** Its files are in their place, and its processes restored and held, as far as that is possible. */
  async #bringBack(before: Replaced): Promise<void> {
    const { context, network, applications } = this.#machine;
    await this.#removeRuntime(before.application);
    await this.#files.putBack(before.roots);
    await applications.put({ ...before.application, migration: { id: this.#record.id, role: 'restore' } });
    if (!before.running) return;
    const again = new HeldRestore(this.#machine, before.application);
    try {
      await network.create(this.#name, before.application, { locked: true });
      await again.restoreAndHold(this.#oldImages);
      await this.#save('returned');
    } catch (error) {
      context.log.error(
        { err: error, application: this.#name },
        'could not go on from its frozen images: it starts afresh',
      );
      await again.cancel();
      await this.#removeRuntime(before.application);
    }
  }

  async #letReturn(before: Replaced): Promise<void> {
    const again = new HeldRestore(this.#machine, before.application);
    // After a reboot nothing of it runs, and it starts afresh from its files.
    if (before.running && this.#machine.network.exists(this.#name)) {
      await again.letGo();
      await again.settled();
    }
    await this.#machine.supervisor.adopt(before.application);
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
}
