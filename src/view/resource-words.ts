// The words of `get` and `describe`: `apps`, `apps shop`, `app/shop host/host-a`, `apps,hosts`, `all`.
import { CmigError } from '../core/errors.ts';
import { findKind, type KindPlural, kindViews } from './kinds.ts';

export interface ResourceRequest {
  plural: KindPlural;
  /** Only these; all where absent. */
  names?: string[];
}

/** @throws CmigError `invalid` for an unknown kind, or for words that do not go together */
export function parseResourceWords(kind: string, names: readonly string[]): ResourceRequest[] {
  if (kind.includes('/')) return qualified([kind, ...names]);
  const slashed = names.find((name) => name.includes('/'));
  if (slashed !== undefined) {
    throw new CmigError('invalid', `"${slashed}" follows the kind "${kind}"`, {
      hint: 'write either KIND NAME… or KIND/NAME…',
    });
  }
  const plurals =
    kind === 'all'
      ? (Object.keys(kindViews) as KindPlural[])
      : [...new Set(kind.split(',').map((word) => findKind(word)))];
  if (names.length === 0) return plurals.map((plural) => ({ plural }));
  if (plurals.length > 1) {
    throw new CmigError('invalid', 'names cannot be given for several kinds at once', {
      hint: 'write KIND/NAME…, such as app/shop host/host-a',
    });
  }
  return [{ plural: plurals[0]!, names: [...new Set(names)] }];
}

function qualified(words: readonly string[]): ResourceRequest[] {
  const requests = new Map<KindPlural, string[]>();
  for (const word of words) {
    const [kind = '', name = '', ...more] = word.split('/');
    if (!kind || !name || more.length > 0) {
      throw new CmigError('invalid', `"${word}" is not KIND/NAME`, { hint: 'an example is app/shop' });
    }
    const plural = findKind(kind);
    const names = requests.get(plural) ?? [];
    if (!names.includes(name)) names.push(name);
    requests.set(plural, names);
  }
  return [...requests].map(([plural, names]) => ({ plural, names }));
}
