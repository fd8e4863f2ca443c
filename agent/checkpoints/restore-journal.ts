// What a host writes down of a restore under way, so that an agent that is killed in it goes on, or back.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OuterConnection } from '../network/outer-connections.ts';
import type { ApplicationRecord } from '../store/application-store.ts';
import { readJsonFile, syncFolder, writeFileDurably } from '../store/durable-file.ts';
import type { CheckpointRecord } from './checkpoint-record.ts';

/**
 * `preparing`: what runs is at most frozen, and thawed on the way back. `ending`: its memory is on disk, and some of it
 * may have ended; the way back is to restore it. `replacing`: all of it has ended, and the checkpoint may be restored in
 * its place. `committed`: the checkpoint is restored and held; there is no way back. `returned`: what ran before is, and
 * its images are not to be used once more, since it runs on.
 */
export type RestoreState = 'preparing' | 'ending' | 'replacing' | 'committed' | 'returned';

export interface RestoreRecord {
  /** As the application's record has it while the restore is under way. */
  id: string;
  state: RestoreState;
  checkpoint: string;
  /** As it was, and which of its folders there were; absent where the host had no such application. */
  before?: { application: ApplicationRecord; running: boolean; roots: string[] };
  after: ApplicationRecord;
  /** Peers that are to be told that what ran before is no more. */
  peers?: OuterConnection[];
  /** What ran before becomes this checkpoint. */
  keep?: CheckpointRecord;
}

/** `restores/<id>/`: journal.json, `new` (files and images made ready) and `old` (those put out of the way). */
export class RestoreJournal {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  folder(id: string): string {
    return join(this.#folder, id);
  }
  /** files/ and images/ of the checkpoint, made ready. */
  fresh(id: string): string {
    return join(this.folder(id), 'new');
  }
  /** files/ and images/ of what ran before. */
  old(id: string): string {
    return join(this.folder(id), 'old');
  }

  /** On disk when it resolves. */
  async save(record: RestoreRecord): Promise<void> {
    await mkdir(this.folder(record.id), { recursive: true, mode: 0o700 });
    await writeFileDurably(
      join(this.folder(record.id), 'journal.json'),
      `${JSON.stringify(record, undefined, 2)}\n`,
    );
    await syncFolder(this.#folder);
  }

  async list(): Promise<RestoreRecord[]> {
    const ids = await readdir(this.#folder).catch(() => []);
    const records = await Promise.all(
      ids.map((id) => readJsonFile<RestoreRecord>(join(this.folder(id), 'journal.json'))),
    );
    return records.filter((record) => record !== undefined);
  }

  /** First the journal goes: what is left of the folder is then nobody's, and swept. */
  async remove(id: string): Promise<void> {
    await rm(join(this.folder(id), 'journal.json'), { force: true });
    await syncFolder(this.folder(id)).catch(() => {});
    await rm(this.folder(id), { recursive: true, force: true });
  }

  async sweep(): Promise<void> {
    const known = new Set((await this.list()).map(({ id }) => id));
    for (const id of await readdir(this.#folder).catch(() => []))
      if (!known.has(id)) await rm(this.folder(id), { recursive: true, force: true });
  }
}
