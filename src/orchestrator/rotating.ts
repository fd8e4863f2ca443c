// Gives hosts new transfer keys, and waits until the others know them.
import { CmigError, codeOf } from '../core/errors.ts';
import { didYouMean } from '../core/near-names.ts';
import { waitFor } from '../core/retry.ts';
import type { OrchestratorContext } from './context.ts';

/** Three announcements: whoever has not heard by then is told of. */
const heardWithinMs = 15_000;

export interface Rotation {
  host: string;
  /** The public half, as peers now have it. */
  transferKey: string;
  /** Hosts that did not say that they know it: until they have heard, they take no delivery of this one. */
  unaware: string[];
}

/** @throws CmigError `not-found`, `unreachable`, `forbidden` */
export async function rotateKeys(
  { rpc }: OrchestratorContext,
  names: readonly string[],
): Promise<Rotation[]> {
  const { hosts } = await rpc.call('*', 'host.list', {});
  const known = hosts.map(({ name }) => name);
  for (const name of names)
    if (!known.includes(name))
      throw new CmigError('not-found', `there is no host "${name}"`, {
        hint: didYouMean(name, known) ?? 'cmig get hosts lists them',
      });
  const rotations: Rotation[] = [];
  // One after the other: should it fail, it is plain how far it has come.
  for (const host of names.length > 0 ? names : known) {
    const answer = await rpc.call(host, 'host.rotate-key', {}, { timeoutMs: 20_000, failFast: true });
    const others = known.filter((other) => other !== host);
    const knows = async (other: string): Promise<boolean> => {
      const heard = await rpc.call(other, 'host.list', {}, { failFast: true, timeoutMs: 2000 });
      return heard.hosts.some(({ name, transferKey }) => name === host && transferKey === answer.transferKey);
    };
    const isUnaware = (other: string): Promise<boolean> =>
      waitFor(() => knows(other), {
        timeoutMs: heardWithinMs,
        intervalMs: 50,
        what: `${other} hearing of the new key of ${host}`,
      }).then(
        () => false,
        (error) => {
          if (codeOf(error) === 'forbidden') throw error;
          return true;
        },
      );
    const unaware = await Promise.all(others.map(isUnaware));
    rotations.push({ host, ...answer, unaware: others.filter((_, index) => unaware[index]) });
  }
  return rotations;
}
