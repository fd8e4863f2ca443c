// Several errors as one.
import { CmigError } from './errors.ts';

/** The only error as it is, or all of them as the problems of one; nothing where there is none. */
export function throwAll(errors: readonly CmigError[], message: string): void {
  if (errors.length === 1) throw errors[0]!;
  if (errors.length === 0) return;
  throw new CmigError(errors[0]!.code, message, {
    problems: errors.map(({ message, hint }) => ({ message, ...(hint ? { hint } : {}) })),
  });
}
