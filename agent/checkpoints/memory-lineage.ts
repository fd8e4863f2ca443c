// From which checkpoint on the memory of the next one has been tracked, so that only what changed since is dumped.
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import type { Programs } from '../context.ts';
import type { Machine } from '../migration/machine.ts';
import { olderImages } from '../runtime/checkpoint.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import type { CheckpointRecord } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

/** A longer line of dumps would be read by criu page by page, through as many files. */
const longestLine = 12;

export interface TrackedSince {
  /** The images to build upon, by container. */
  images: Map<string, string>;
  /** The checkpoint that they are of, where there are any. */
  checkpoint?: string;
}

interface Note {
  checkpoint: string;
  /** By its name alone it could be another one, which was brought here after that one had been deleted. */
  createdAt: string;
  /** Of the container's first process: after a restart or a restore it is another one. */
  process: string;
}

/**
 * The kernel marks what is written to since the last dump that told it to (soft-dirty). Only dumps of checkpoints do, and
 * the note of the last one stands in the containers' run directories: it is taken away before each such dump, and
 * written again when the checkpoint is kept. So whatever goes wrong, the next one is a whole dump.
 */
export class MemoryLineage {
  readonly #machine: Machine;
  readonly #store: CheckpointStore;
  readonly #record: ApplicationRecord;
  /** By container, as they were before they stood still. */
  readonly #processes = new Map<string, string>();

  private constructor(machine: Machine, store: CheckpointStore, record: ApplicationRecord) {
    this.#machine = machine;
    this.#store = store;
    this.#record = record;
  }

  /** @returns undefined where this kernel, or this criu, cannot track memory */
  static async of(
    machine: Machine,
    store: CheckpointStore,
    record: ApplicationRecord,
  ): Promise<MemoryLineage | undefined> {
    return (await canTrackMemory(machine.context.programs))
      ? new MemoryLineage(machine, store, record)
      : undefined;
  }

  /** Takes the notes away. A container without one is dumped whole. Nothing restarts a container meanwhile. */
  async begin(): Promise<TrackedSince> {
    const since: TrackedSince = { images: new Map() };
    const checkpoints = await this.#store.list(this.#name);
    for (const container of this.#containers) {
      const file = this.#noteFile(container);
      const note = await readFile(file, 'utf8')
        .then((text) => JSON.parse(text) as Note)
        .catch(() => undefined);
      await rm(file, { force: true });
      const process = await this.#processOf(container);
      if (process) this.#processes.set(container, process);
      if (!note || note.process !== process) continue;
      const isThere = ({ id, createdAt }: CheckpointRecord) =>
        id === note.checkpoint && createdAt === note.createdAt;
      if (!checkpoints.some(isThere)) continue;
      const images = join(this.#store.folder(this.#name, note.checkpoint), 'images', container);
      if (!(await isWorthBuildingUpon(images))) continue;
      since.images.set(container, images);
      since.checkpoint = note.checkpoint;
    }
    return since;
  }

  /** The checkpoint is kept, and its application runs on. */
  async remember({ id: checkpoint, createdAt }: CheckpointRecord): Promise<void> {
    for (const [container, process] of this.#processes) {
      await writeFile(
        this.#noteFile(container),
        JSON.stringify({ checkpoint, createdAt, process } satisfies Note),
      );
    }
  }

  get #name(): string {
    return this.#record.manifest.metadata.name;
  }
  get #containers(): string[] {
    return this.#record.manifest.spec.containers.map(({ name }) => name);
  }

  #noteFile(container: string): string {
    return join(this.#machine.context.paths.runtime(this.#name, container), 'tracked.json');
  }

  /** Its pid and when it was started, in clock ticks since the boot. */
  async #processOf(container: string): Promise<string | undefined> {
    const { pid } = (await this.#machine.runc.state(this.#name, container)) ?? {};
    if (!pid) return undefined;
    const line = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
    return line && `${pid} ${line.slice(line.lastIndexOf(')') + 2).split(' ')[19]}`;
  }
}

/** Whether this kernel marks what is written to, and this criu reads it. */
export async function canTrackMemory(programs: Programs): Promise<boolean> {
  const { exitCode } = await runProcess(programs.criu, ['check', '--feature', 'mem_dirty_track'], {
    env: programs.env,
    allowedExitCodes: [0, 1],
  });
  return exitCode === 0;
}

/**
 * Every dump of a line keeps those before it on disk. Once what they hold beside the first one is as much as the first
 * one, a whole dump is no dearer.
 */
export async function isWorthBuildingUpon(images: string): Promise<boolean> {
  const sizes: number[] = [];
  for (let folder = images; ; folder = join(folder, olderImages)) {
    const names = await readdir(folder).catch(() => undefined);
    if (!names) break;
    const pages = names.filter((name) => /^pages-\d+\.img$/.test(name));
    const bytes = await Promise.all(pages.map(async (name) => (await stat(join(folder, name))).size));
    sizes.push(bytes.reduce((sum, size) => sum + size, 0));
  }
  const first = sizes.at(-1);
  if (first === undefined || sizes.length >= longestLine) return false;
  return sizes.slice(0, -1).reduce((sum, size) => sum + size, 0) < first;
}
