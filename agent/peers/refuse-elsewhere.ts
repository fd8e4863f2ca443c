// What another host has is not made here a second time, whatever the one who asks still believes.
import { CmigError } from '../../src/core/errors.ts';
import type { Machine } from '../migration/machine.ts';

const answersWithinMs = 1500;

/**
 * For what is new to this host. Commands keep each other off an application by a mutex, which goes with their connection to
 * the broker: one that was cut off from it, or asleep, goes on by what it knew before. A host that does not answer is for
 * the one who asks to judge.
 * @throws CmigError `conflict` that names the host that has it
 */
export async function refuseElsewhere(
  { context, neighbourhood }: Pick<Machine, 'context' | 'neighbourhood'>,
  application: string,
): Promise<void> {
  const { own, places } = neighbourhood.view();
  const there = places.find((place) => place.application === application)?.host;
  if (there === undefined || there === own.name) return;
  // It may have been deleted there a moment ago.
  const options = { timeoutMs: answersWithinMs, failFast: true };
  const has = await context.rpc.call(there, 'application.get', { name: application }, options).then(
    () => true,
    () => false,
  );
  if (!has) return;
  throw new CmigError(
    'conflict',
    `${application} is on ${there} by now: it is not made on ${own.name}, too`,
    {
      hint: `see where it is, and do it again: cmig get application ${application}`,
    },
  );
}
