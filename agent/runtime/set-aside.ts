// Ends an application that another host has, and keeps its files where nobody starts them.
import { waitFor } from '../../src/core/retry.ts';
import type { ApplicationDependencies, SupervisedApplication } from './supervised-application.ts';

/** Who has the application, and by which epoch. */
export interface NewerClaim {
  owner: string;
  ownerEpoch: number;
}

/** What is under way when another host turns out to have the application is waited for. */
const busyAtMostMs = 60_000;

/** @returns the folder of its files */
export async function setAside(
  application: SupervisedApplication,
  { network, context, store }: ApplicationDependencies,
  { owner, ownerEpoch }: NewerClaim,
): Promise<string> {
  const { name } = application;
  await waitFor(() => !application.busy, {
    timeoutMs: busyAtMostMs,
    what: `the end of the ${application.busy} of ${name}`,
  });
  application.busy = 'removal';
  try {
    const { epoch } = application.record;
    context.log.warn({ application: name, epoch, owner, ownerEpoch }, 'another host has a newer copy');
    // First of all nobody reaches it any more; and it must not come back after a crash.
    if (network.exists(name)) await network.detach(name);
    await application.put({ ...application.record, desired: 'stopped' });
    await application.removeRuntime();
    await application.leave();
    const folder = await store.setAside(name, epoch);
    context.events.publish('application.fenced', { application: name, epoch, owner, ownerEpoch, folder });
    return folder;
  } finally {
    application.busy = undefined;
  }
}
