// Names that a person gives: refused with what one may look like.
import { namePattern } from '../contract/protocol.ts';
import { CmigError } from './errors.ts';

/** @param what it is to be the name of, such as `host`. @throws CmigError `invalid` */
export function checkName(what: string, name: string): void {
  if (new RegExp(namePattern).test(name)) return;
  throw new CmigError('invalid', `"${name}" is no name for ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`, {
    hint: 'up to 63 lower-case letters, digits and dashes, not beginning or ending with a dash',
  });
}
