// `-o custom-columns=NAME:.metadata.name,HOST:.status.host`, as kubectl has it.
import type { Column } from '../table.ts';
import { compilePath, notUnderstood } from './path.ts';
import { textOf } from './template.ts';

const what = '-o custom-columns';

/** @throws CmigError `invalid` with the place of the mistake */
export function parseCustomColumns(text: string): Column<unknown>[] {
  const columns: Column<unknown>[] = [];
  let from = 0;
  // A comma within a path, as in `[0,1]`, has no heading after it.
  for (const part of text.split(/,(?=[^,:[\]()'"]+:)/)) {
    const colon = part.indexOf(':');
    if (colon < 1 || colon === part.length - 1)
      throw notUnderstood('a column is HEADING:PATH', { what, text, from });
    const path = compilePath(part.slice(colon + 1), { what, text, from: from + colon + 1 });
    columns.push({
      header: part.slice(0, colon).trim(),
      value: (row) => path(row).map(textOf).join(','),
    });
    from += part.length + 1;
  }
  return columns;
}
