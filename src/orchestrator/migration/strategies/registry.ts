// Every strategy; adding one is its file and a line here (and its name in contract/strategy-names.ts).
import { strategyNames } from '../../../contract/strategy-names.ts';
import { CmigError } from '../../../core/errors.ts';
import type { Strategy } from '../step.ts';
import { stopAndCopy } from './stop-and-copy.ts';

export const strategies: readonly Strategy[] = [stopAndCopy];

/**
 * @param name one of the registered names, or `auto`, which takes the first that the hosts can run.
 * @throws CmigError `invalid` with the known names.
 */
export function chooseStrategy(name: string): Strategy {
  const chosen = name === 'auto' ? strategies[0] : strategies.find((strategy) => strategy.name === name);
  if (!chosen) {
    throw new CmigError('invalid', `there is no strategy "${name}"`, {
      hint: `known are: ${strategyNames.join(', ')}`,
    });
  }
  return chosen;
}
