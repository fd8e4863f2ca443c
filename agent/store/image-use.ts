// What keeps images on this host: applications, whatever state they are in, an incoming migration and a restore under
// way included, and checkpoints, which are of no use without them.
import { CheckpointStore } from '../checkpoints/checkpoint-store.ts';
import { RestoreJournal } from '../checkpoints/restore-journal.ts';
import type { ApplicationRecord, ApplicationStore } from './application-store.ts';
import type { AgentPaths } from './paths.ts';

/** Digest -> who uses it: names of applications, and `checkpoint/ID`. */
export async function imageUsers(
  applications: Pick<ApplicationStore, 'list'>,
  paths: AgentPaths,
): Promise<Map<string, string[]>> {
  const users = new Map<string, Set<string>>();
  const add = (user: string, { images }: Pick<ApplicationRecord, 'images'>): void => {
    for (const digest of Object.values(images)) users.set(digest, (users.get(digest) ?? new Set()).add(user));
  };
  for (const record of await applications.list()) add(record.manifest.metadata.name, record);
  for (const { before, after } of await new RestoreJournal(paths.restoresDirectory).list())
    for (const record of [after, ...(before ? [before.application] : [])])
      add(record.manifest.metadata.name, record);
  for (const record of await new CheckpointStore(paths.checkpointsDirectory).list())
    add(`checkpoint/${record.id}`, record.application);
  return new Map([...users].map(([digest, names]) => [digest, [...names]]));
}
