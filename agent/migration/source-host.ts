// What the source's half of a migration does to its machine.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../../src/contract/application.ts';
import type { DestinationState } from '../../src/contract/migration.ts';
import { lookForHost } from '../peers/look-for-host.ts';
import { HeldRestore } from '../runtime/held-restore.ts';
import { FileSync } from '../transfer/file-sync.ts';
import { listMappedFiles, locateFile } from '../transfer/mapped-files.ts';
import { FrozenImages } from './frozen-images.ts';
import type { SourceRecord } from './journal.ts';
import type { Machine, Peer } from './machine.ts';
import { MigrationEvents } from './migration-events.ts';
import { Nudge } from './nudge.ts';
import type { Sign } from './resolving.ts';
import type { SourcePorts } from './source-ports.ts';

/** Presync goes on while a round brings more than this, since sending it would lengthen the pause. */
const smallDeltaBytes = 1024 * 1024;
const presyncRoundsAtMost = 5;

export class SourceHost implements SourcePorts {
  readonly #machine: Machine;
  readonly #record: SourceRecord;
  readonly #peer: Peer;
  readonly #containers: Container[];
  readonly #files: FileSync;
  readonly #images: FrozenImages;
  readonly #events: MigrationEvents;
  readonly nudge = new Nudge();

  constructor(machine: Machine, record: SourceRecord, peer: Peer, containers: Container[]) {
    this.#machine = machine;
    this.#record = record;
    this.#peer = peer;
    this.#containers = containers;
    this.#events = new MigrationEvents(machine.context.events, record);
    this.#images = new FrozenImages(machine.journal.imagesFolder(record.id));
    this.#files = new FileSync(machine.transfer, peer, {
      folder: machine.context.paths.application(record.application),
      destination: record.id,
      listFile: this.#listFile,
      mappedFiles: () => this.#mappedFiles(),
    });
  }

  get #listFile(): string {
    return join(this.#machine.context.paths.migration(this.#record.id), 'files');
  }

  async save(record: SourceRecord): Promise<void> {
    await this.#machine.journal.save(record);
  }

  async presync(signal: AbortSignal): Promise<{ bytes: number; rounds: number }> {
    const { transfer, supervisor } = this.#machine;
    await supervisor.suspend(this.#record.application, { id: this.#record.id, role: 'source' });
    await transfer.connect(this.#peer);
    let total = 0;
    let rounds = 0;
    for (let before = Number.POSITIVE_INFINITY; rounds < presyncRoundsAtMost; ) {
      const { bytes } = await this.#files.pass({
        signal,
        onProgress: (progress) => this.#events.progressed('presync', progress),
      });
      total += bytes;
      rounds += 1;
      // It pays only while each round is clearly smaller than the one before.
      if (bytes < smallDeltaBytes || bytes > before * 0.7) break;
      before = bytes;
    }
    total += (await this.#files.settle({ signal })).bytes;
    return { bytes: total, rounds };
  }

  async freeze(): Promise<void> {
    this.#events.publish('migration.stepped', { step: 'freeze' });
    const { network, checkpoints } = this.#machine;
    const { application, phases } = this.#record;
    const address = await this.#address();
    this.#record.connections = await network.countConnections(application, address);
    await network.lock(application);
    const startedAt = performance.now();
    const dumps = await Promise.allSettled(
      this.#containers.map(({ name }) =>
        checkpoints.dumpAndHold(application, name, join(this.#images.folder, name)),
      ),
    );
    for (const dump of dumps) if (dump.status === 'rejected') throw dump.reason;
    phases.freeze = Math.round(performance.now() - startedAt);
    // Beside the transfer, not before it: the pause does not wait for the disk.
    void this.#images
      .keep()
      .catch((error) => this.#machine.context.log.warn({ err: error }, 'the images were not flushed'));
  }

  async transfer(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const totalBytes = await this.#images.sizeBytes();
    const [files, memory] = await Promise.all([
      this.#files.finish({ signal }),
      this.#machine.transfer.send(this.#peer, {
        sources: [`${join(this.#images.folder, '..')}/./images`],
        destination: this.#record.id,
        content: 'images',
        signal,
        onProgress: (progress) => this.#events.progressed('transfer', progress, totalBytes),
      }),
    ]);
    this.#record.bytes.files = files.bytes;
    this.#record.bytes.memory = memory.bytes;
    this.#record.phases.transfer = Math.round(performance.now() - startedAt);
    this.#events.publish('migration.transferred', { bytes: this.#record.bytes });
  }

  async isHeld(): Promise<boolean> {
    const { checkpoints } = this.#machine;
    const held = this.#containers.map(({ name }) =>
      checkpoints.hold(this.#record.application, name).isHeld(),
    );
    return (await Promise.all(held)).every(Boolean);
  }

  async detach(): Promise<void> {
    const { network, neighbourhood } = this.#machine;
    const { application, to } = this.#record;
    // After a reboot there is none.
    if (network.exists(application)) await network.detach(application);
    neighbourhood.handOver(application, to);
  }

  async thaw(): Promise<void> {
    const { applications, network, supervisor } = this.#machine;
    const { application, id, resolved, epoch } = this.#record;
    const under = (await applications.get(application))?.migration;
    // It never was this migration's: what another one has frozen must stay so.
    if (under && under.id !== id) return await this.#tidy();
    // Past the destination's: what may have been committed there yields, should it come back.
    if (resolved) await supervisor.raiseEpoch(application, epoch + 1);
    // A namespace does not survive a reboot, and the frozen processes have not either.
    if (network.exists(application)) await this.#thawInPlace();
    else await this.#restoreFromImages();
    await supervisor.resume(application);
    await this.#tidy();
  }

  async #thawInPlace(): Promise<void> {
    const { network, checkpoints, applications } = this.#machine;
    const { application } = this.#record;
    // From here on it runs: a later reboot must not set it back to these images.
    await this.#images.discard();
    // Before the processes run again: what they send each other over loopback must not be dropped.
    await network.unlock(application);
    await network.attach(application);
    await Promise.all(
      this.#containers.map(({ name }) =>
        checkpoints.conclude(application, name, 'cancel', join(this.#images.folder, name)),
      ),
    );
    const record = await applications.get(application);
    if (record) await network.announce(record);
  }

  // Where they are not whole, the supervisor starts the application afresh, as after any reboot.
  async #restoreFromImages(): Promise<void> {
    const { network, applications, context } = this.#machine;
    const { application } = this.#record;
    const record = await applications.get(application);
    if (!record || !(await this.#images.areKept())) return;
    const restore = new HeldRestore(this.#machine, record);
    try {
      await network.create(application, record, { locked: true });
      await restore.restoreAndHold(this.#images.folder);
    } catch (error) {
      context.log.error(
        { err: error, application },
        'could not go on from its frozen images: it starts afresh',
      );
      await restore.cancel();
      for (const { name } of this.#containers) await this.#machine.runtime.remove(record, name);
      await network.destroy(application);
      await this.#images.discard();
      return;
    }
    await this.#images.discard();
    await restore.letGo();
    await restore.settled();
  }

  async release(): Promise<void> {
    await this.#endFrozen();
    await this.#machine.supervisor.forget(this.#record.application);
    await this.#tidy();
  }

  async giveUp(): Promise<void> {
    const { application, epoch, to } = this.#record;
    await this.#endFrozen();
    await this.#machine.supervisor.setAside(application, { owner: to, ownerEpoch: epoch });
    await this.#tidy();
  }

  async #endFrozen(): Promise<void> {
    const { checkpoints } = this.#machine;
    const { application } = this.#record;
    await Promise.all(
      this.#containers.map(({ name }) =>
        checkpoints.conclude(application, name, 'proceed', join(this.#images.folder, name)),
      ),
    );
  }

  /** Only the journal stays. */
  async #tidy(): Promise<void> {
    await this.#images.remove();
    await rm(this.#listFile, { force: true });
    await this.#machine.transfer.disconnect(this.#peer).catch(() => {});
  }

  lookForDestination(): Promise<Sign> {
    return lookForHost(this.#machine.context.rpc, this.#peer, this.#record.id);
  }

  async destinationState(): Promise<DestinationState | undefined> {
    try {
      const { status } = await this.#machine.context.rpc.call(
        this.#record.to,
        'migration.get',
        { migration: this.#record.id },
        { timeoutMs: 3000 },
      );
      return status.role === 'destination' ? (status.state as DestinationState) : undefined;
    } catch (error) {
      this.#machine.context.log.warn(
        { err: error, migration: this.#record.id },
        `${this.#record.to} does not say how it ended`,
      );
      return undefined;
    }
  }

  async pause(milliseconds: number): Promise<void> {
    await Promise.race([sleep(milliseconds), this.nudge.next()]);
  }

  nowMs(): number {
    return performance.now();
  }

  time(laterMs = 0): string {
    return new Date(Date.now() + laterMs).toISOString();
  }

  changed(record: SourceRecord): void {
    this.#machine.context.log.info(
      { migration: record.id, application: record.application },
      `source: ${record.state}`,
    );
    if (record.state === 'presyncing')
      this.#events.publish('migration.started', { strategy: record.strategy });
    if (record.state === 'frozen')
      this.#events.publish('migration.frozen', { connections: record.connections ?? 0 });
    if (record.state === 'finished') {
      this.#events.publish('migration.finished', { frozenMs: Math.round(record.frozenMs ?? 0) });
    }
    if (record.state === 'rolled-back') {
      this.#events.publish('migration.rolled-back', record.error ? { error: record.error as never } : {});
    }
  }

  async #address(): Promise<string> {
    return (await this.#machine.applications.get(this.#record.application))?.address ?? '';
  }

  /** What the application's processes write through memory, as paths below its folder. */
  async #mappedFiles(): Promise<string[]> {
    const { runc } = this.#machine;
    const found = await Promise.all(
      this.#containers.map(async ({ name, volumes = [] }) => {
        const mapped = await listMappedFiles(await runc.processes(this.#record.application, name));
        return mapped.map((path) => locateFile({ name, volumes }, path));
      }),
    );
    return found.flat();
  }
}
