// The checkpoints that this host keeps, a folder each: written aside, flushed, and renamed when it is whole.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CmigError } from '../../src/core/errors.ts';
import { runProcess } from '../../src/core/run-process.ts';
import { readJsonFile, syncFolder, writeFileDurably } from '../store/durable-file.ts';
import { applicationOf, type CheckpointRecord, type DiskUse } from './checkpoint-record.ts';
import { seal } from './seal.ts';

const halfMade = '.new-';
const removed = '.removed-';

export class CheckpointStore {
  /** `<application>/<id>/` with checkpoint.json, images/, files/ and what seals them. */
  readonly #folder: string;
  readonly #uses = new Map<string, DiskUse>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  folder(application: string, id: string): string {
    return join(this.#folder, application, id);
  }

  /** Oldest first. */
  async list(application?: string): Promise<CheckpointRecord[]> {
    const applications = application ? [application] : await readdir(this.#folder).catch(() => []);
    const folders = await Promise.all(
      applications.map(async (name) => {
        const ids = await readdir(join(this.#folder, name)).catch(() => []);
        return ids.filter((id) => !id.startsWith('.')).map((id) => this.folder(name, id));
      }),
    );
    const records = await Promise.all(
      // One that is damaged is told of when it is asked for, and must not hide the others.
      folders.flat().map((folder) => readRecord(folder).catch(() => undefined)),
    );
    return records
      .filter((record) => record !== undefined)
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  async find(id: string): Promise<CheckpointRecord | undefined> {
    return (await this.list()).find((record) => record.id === id);
  }

  /** Where one is made that is not whole yet. */
  begun(application: string, id: string): string {
    return join(this.#folder, application, `${halfMade}${id}`);
  }

  /** The same, afresh. */
  async begin(application: string, id: string): Promise<string> {
    const folder = this.begun(application, id);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async abandon(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    // Left behind only where it still has others in it.
    await runProcess('rmdir', ['--ignore-fail-on-non-empty', join(folder, '..')]).catch(() => {});
  }

  /** Seals what `begin` gave, flushes it and gives it its name. @throws CmigError `conflict` where the name is taken */
  async keep(folder: string, record: CheckpointRecord): Promise<void> {
    await writeFileDurably(join(folder, 'checkpoint.json'), `${JSON.stringify(record, undefined, 2)}\n`);
    const earlier = [record.previous, record.memorySince].filter((id) => id !== undefined);
    await seal(
      folder,
      [...new Set(earlier)].map((id) => this.folder(applicationOf(record), id)),
    );
    await this.place(folder, record);
  }

  /** Flushes what is sealed already, and gives it its name. */
  async place(folder: string, record: CheckpointRecord): Promise<void> {
    const target = this.folder(applicationOf(record), record.id);
    if (existsSync(target))
      throw new CmigError('conflict', `there is a checkpoint ${record.id} already`, {
        hint: 'choose another name',
      });
    await runProcess('sync', ['-f', folder], { timeoutMs: 0 });
    await rename(folder, target);
    await syncFolder(join(target, '..'));
    await syncFolder(this.#folder);
    this.#uses.clear();
  }

  async remove({ id, application }: CheckpointRecord): Promise<void> {
    const name = application.manifest.metadata.name;
    const trash = join(this.#folder, name, `${removed}${id}`);
    // First it goes with one rename, so that no half of one is ever found again.
    await rename(this.folder(name, id), trash);
    await syncFolder(join(trash, '..'));
    await this.abandon(trash);
    this.#uses.clear();
  }

  /** What an agent that was killed left of checkpoints that it was making or removing. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => []))
      for (const entry of await readdir(join(this.#folder, name)).catch(() => []))
        if (entry.startsWith(halfMade) || entry.startsWith(removed) || /\.(verify|inodes)$/.test(entry))
          await this.abandon(join(this.#folder, name, entry));
  }

  /** What they share may be another part of them than before. */
  measureAnew(): void {
    this.#uses.clear();
  }

  async diskUse(record: CheckpointRecord): Promise<DiskUse> {
    const name = applicationOf(record);
    const key = `${name}/${record.id}`;
    const known = this.#uses.get(key);
    if (known) return known;
    const use = await measure(this.folder(name, record.id));
    this.#uses.set(key, use);
    return use;
  }
}

const readRecord = (folder: string) => readJsonFile<CheckpointRecord>(join(folder, 'checkpoint.json'));

/** A file that has more names than are here is shared with another checkpoint. */
async function measure(folder: string): Promise<DiskUse> {
  const { stdout } = await runProcess('find', ['.', '-type', 'f', '-printf', '%i %n %b %s %p\\n'], {
    cwd: folder,
    timeoutMs: 0,
  });
  const files = new Map<string, { names: number; here: number; bytes: number; memory: number }>();
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [inode = '', names = '1', blocks = '0', size = '0', path = ''] = line.split(' ');
    const here = (files.get(inode)?.here ?? 0) + 1;
    const memory = path.startsWith('./images/') ? Number(size) : 0;
    files.set(inode, { names: Number(names), here, bytes: Number(blocks) * 512, memory });
  }
  let sizeBytes = 0;
  let ownBytes = 0;
  let ownMemoryBytes = 0;
  for (const { names, here, bytes, memory } of files.values()) {
    sizeBytes += bytes;
    if (names > here) continue;
    ownBytes += bytes;
    ownMemoryBytes += memory;
  }
  return { sizeBytes, ownBytes, ownMemoryBytes };
}
