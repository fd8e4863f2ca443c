// Which containers may start when: pure functions of their dependsOn.
import { CmigError } from '../../src/core/errors.ts';

interface Dependent {
  name: string;
  dependsOn?: string[] | undefined;
}

/**
 * Waves of names: each depends on names of earlier waves only. Reversed, it is the order in which to stop.
 * @throws CmigError `invalid` where one depends on what is not there, or in a circle
 */
export function startWaves(containers: readonly Dependent[]): string[][] {
  const names = new Set(containers.map(({ name }) => name));
  for (const { name, dependsOn = [] } of containers)
    for (const dependency of dependsOn)
      if (!names.has(dependency))
        throw new CmigError('invalid', `container ${name} depends on ${dependency}, which does not exist`);
  const waves: string[][] = [];
  const done = new Set<string>();
  let rest = [...containers];
  while (rest.length > 0) {
    const free = rest.filter(({ dependsOn = [] }) => dependsOn.every((dependency) => done.has(dependency)));
    if (free.length === 0)
      throw new CmigError(
        'invalid',
        `the containers ${rest.map(({ name }) => name).join(', ')} depend on each other in a circle`,
      );
    waves.push(free.map(({ name }) => name));
    for (const { name } of free) done.add(name);
    rest = rest.filter(({ name }) => !done.has(name));
  }
  return waves;
}

const firstDelayMs = 1000;
const longestDelayMs = 60_000;
/** A container that ran so long is forgiven its earlier crashes. */
export const forgivenAfterMs = 10 * 60_000;

/** How long to wait before the restart, after so many exits in a row: 1 s, 2 s, 4 s … at most a minute. */
export const restartDelayMs = (exitsInARow: number): number =>
  Math.min(firstDelayMs * 2 ** Math.min(Math.max(exitsInARow - 1, 0), 10), longestDelayMs);

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** Does a container that ended by itself come back? An unknown exit code counts as a failure. */
export const isRestarted = (policy: RestartPolicy, exitCode: number | undefined): boolean =>
  policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
