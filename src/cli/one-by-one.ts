// The same for several names, one after the other.
import { CmigError } from '../core/errors.ts';

/**
 * One that fails does not keep the others; one that is cancelled does, and it is said which were not begun.
 * @returns what went wrong; what was cancelled first
 */
export async function oneByOne(
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<CmigError[]> {
  const failures: CmigError[] = [];
  for (const [index, name] of names.entries()) {
    try {
      await work(name);
    } catch (error) {
      if (!(error instanceof CmigError)) throw error;
      if (error.code === 'cancelled') return [notBegun(error, names.slice(index + 1)), ...failures];
      failures.push(error);
    }
  }
  return failures;
}

const notBegun = (error: CmigError, names: readonly string[]): CmigError =>
  names.length === 0
    ? error
    : new CmigError('cancelled', `${error.message}; not begun: ${names.join(', ')}`, { hint: error.hint });
