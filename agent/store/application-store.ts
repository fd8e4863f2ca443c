// The applications that this host has taken charge of, one file each: the truth about what should run here.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplicationManifest } from '../../src/contract/application.ts';
import { CmigError } from '../../src/core/errors.ts';
import { readJsonFile, syncFolder, writeFileDurably } from './durable-file.ts';
import type { AgentPaths } from './paths.ts';

/** What is on disk of an application. */
export interface ApplicationRecord {
  manifest: ApplicationManifest;
  /** Container name -> digest of its image. */
  images: Record<string, string>;
  /** The fencing number: raised by one at every move. */
  epoch: number;
  address: string;
  mac: string;
  desired: 'running' | 'stopped';
  /** Its removal has begun: whoever finds this goes on with it. */
  deleting?: true;
  /** RFC 3339 */
  createdAt: string;
  /** What has the application in its hands: a migration, and this host's part in it; or a checkpoint or restore here. */
  migration?: { id: string; role: 'source' | 'destination' | 'checkpoint' | 'restore' };
  /** The checkpoint that it was last restored from. */
  restoredFrom?: string;
}

export class ApplicationStore {
  readonly #paths: AgentPaths;

  constructor(paths: AgentPaths) {
    this.#paths = paths;
  }

  /** All records, by name. A folder without a record is what an interrupted removal left, and is passed over. */
  async list(): Promise<ApplicationRecord[]> {
    const entries = await readdir(this.#paths.applicationsDirectory, { withFileTypes: true }).catch(() => []);
    const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    const records = await Promise.all(
      names.map((entry) => readJsonFile<ApplicationRecord>(this.#paths.applicationFile(entry.name))),
    );
    return records
      .filter((record) => record !== undefined)
      .sort((a, b) => (a.manifest.metadata.name < b.manifest.metadata.name ? -1 : 1));
  }

  async get(name: string): Promise<ApplicationRecord | undefined> {
    return readJsonFile<ApplicationRecord>(this.#paths.applicationFile(name));
  }

  /** Flushed to disk when it returns. */
  async put(record: ApplicationRecord): Promise<void> {
    const name = record.manifest.metadata.name;
    // Not `recursive`, which says ENOENT where the truth is a read-only file system.
    const created = await mkdir(this.#paths.application(name)).then(
      () => true,
      (error) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (created) await syncFolder(this.#paths.applicationsDirectory);
    await writeFileDurably(this.#paths.applicationFile(name), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  /** Removes the application's whole folder; nothing may be mounted below it any more. */
  async remove(name: string): Promise<void> {
    // First the record goes, with one rename, so that no half of an application is ever found again.
    const trash = join(this.#paths.applicationsDirectory, `.removed-${name}-${Date.now()}`);
    try {
      await rename(this.#paths.application(name), trash);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      throw new CmigError(
        'failed',
        `the files of ${name} could not be removed: ${(error as Error).message}`,
        {
          hint: code === 'EBUSY' ? 'something is still mounted below them' : undefined,
          cause: error,
        },
      );
    }
    await syncFolder(this.#paths.applicationsDirectory);
    await rm(trash, { recursive: true, force: true });
  }

  /** Moves all files of an application to where nobody starts it; nothing may be mounted below them. */
  async setAside(name: string, epoch: number): Promise<string> {
    await mkdir(this.#paths.setAsideDirectory, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const folder = join(this.#paths.setAsideDirectory, `${name}-epoch-${epoch}-${time}`);
    await rename(this.#paths.application(name), folder);
    await syncFolder(this.#paths.applicationsDirectory);
    await syncFolder(this.#paths.setAsideDirectory);
    return folder;
  }

  /** What interrupted removals left behind. */
  async sweep(): Promise<void> {
    const entries = await readdir(this.#paths.applicationsDirectory).catch(() => []);
    for (const entry of entries.filter((name) => name.startsWith('.removed-')))
      await rm(join(this.#paths.applicationsDirectory, entry), { recursive: true, force: true });
  }
}
