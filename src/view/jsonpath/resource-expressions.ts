// What a person wants of resources beyond the formats that there are: loaded only where that is asked for.
import type { Column } from '../table.ts';
import { parseCustomColumns } from './custom-columns.ts';
import { compileSorting } from './sorting.ts';
import { compileTemplate } from './template.ts';

/** What `-o jsonpath`, `-o custom-columns` and `--sort-by` were made of; absent where they were not given. */
export interface ResourceExpressions {
  template?: ((value: unknown) => string) | undefined;
  columns?: readonly Column<unknown>[] | undefined;
  sort?: (<T>(items: readonly T[]) => T[]) | undefined;
}

/** @throws CmigError `invalid` with the place of the mistake */
export const compileExpressions = (given: {
  template?: string | undefined;
  columns?: string | undefined;
  sortBy?: string | undefined;
}): ResourceExpressions => ({
  template: given.template === undefined ? undefined : compileTemplate(given.template),
  columns: given.columns === undefined ? undefined : parseCustomColumns(given.columns),
  sort: given.sortBy === undefined ? undefined : compileSorting(given.sortBy),
});
