// `--sort-by=.status.startedAt`: numbers by their size, texts in the order a person expects, what is not there first.
import { CmigError } from '../../core/errors.ts';
import { compilePath } from './path.ts';

const collator = new Intl.Collator('en', { numeric: true });

/** @throws CmigError `invalid` with the place of the mistake; when it sorts, where no item has such a field */
export function compileSorting(text: string): <T>(items: readonly T[]) => T[] {
  const what = '--sort-by';
  const path = compilePath(text, { what, text, from: 0 });
  return (items) => {
    const keyed = items.map((item) => ({ item, key: path(item)[0] }));
    if (keyed.length > 0 && keyed.every(({ key }) => key === undefined))
      throw new CmigError('invalid', `${what}: nothing listed has a field ${JSON.stringify(text)}`, {
        hint: 'look at the fields with -o yaml',
      });
    return keyed.sort((a, b) => compareKeys(a.key, b.key)).map(({ item }) => item);
  };
}

function compareKeys(a: unknown, b: unknown): number {
  if (a === undefined) return b === undefined ? 0 : -1;
  if (b === undefined) return 1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}
