// Makes a checkpoint of what ran before a restore, of its images and files, which lie in the restore's folder.
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/core/run-process.ts';
import type { Machine } from '../migration/machine.ts';
import { madeAnew } from '../store/application-files.ts';
import { sizesOf } from './checkpoint-facts.ts';
import { applicationOf } from './checkpoint-record.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { RestoreJournal, RestoreRecord } from './restore-journal.ts';

/** Nothing is left of the restore when it settles. @returns the checkpoint's name, where it was to be kept and could be */
export async function keepReplaced(
  { context }: Machine,
  store: CheckpointStore,
  journal: RestoreJournal,
  { keep, id }: RestoreRecord,
): Promise<string | undefined> {
  const old = journal.old(id);
  store.measureAnew();
  try {
    if (!keep || !existsSync(join(old, 'images'))) return undefined;
    const folder = await store.begin(applicationOf(keep), keep.id);
    // `mv` and not a rename: checkpoints may lie on a disk of their own.
    await runProcess('mv', ['-t', folder, '--', join(old, 'images'), join(old, 'files')], { timeoutMs: 0 });
    await removeNotKept(join(folder, 'files'));
    await writeFile(join(folder, 'mapped'), '');
    await store.keep(folder, { ...keep, ...(await sizesOf(folder)) });
    return keep.id;
  } catch (error) {
    context.log.error({ err: error, checkpoint: keep?.id }, 'what ran before was not kept');
    return undefined;
  } finally {
    await journal.remove(id);
  }
}

async function removeNotKept(files: string): Promise<void> {
  const paths = madeAnew.flatMap((pattern, index) => [...(index > 0 ? ['-o'] : []), '-path', pattern]);
  const { stdout } = await runProcess(
    'find',
    ['containers', '-mindepth', '2', '-maxdepth', '2', '(', ...paths, ')', '-print0'],
    { cwd: files, allowedExitCodes: [0, 1] },
  );
  for (const path of stdout.split('\0').filter(Boolean))
    await rm(join(files, path), { recursive: true, force: true });
}
