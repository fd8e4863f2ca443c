// Resources as text, in every format of `get -o`.
import { apiVersion } from '../contract/protocol.ts';
import type { ResourceExpressions } from './jsonpath/resource-expressions.ts';
import type { KindView, Resource } from './kinds/kind-view.ts';
import { type KindPlural, kindViews } from './kinds.ts';
import { type Column, layOutTable, renderTable } from './table.ts';

export type ResourceFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name' | 'jsonpath' | 'custom-columns';

/** The resources of one kind. */
export interface ResourceGroup {
  plural: KindPlural;
  items: readonly Resource[];
}

export interface ResourceOutputOptions {
  format: ResourceFormat;
  headers?: boolean;
  /** One resource was asked for by name: it is printed bare, not within a List. */
  single?: boolean;
  expressions?: ResourceExpressions;
}

/** All groups as one text; JSON and YAML are one document. */
export async function renderResources(
  groups: readonly ResourceGroup[],
  options: ResourceOutputOptions,
): Promise<string> {
  const { expressions = {} } = options;
  const items = groups.flatMap((group) => group.items);
  const document = options.single && items[0] ? items[0] : listOf(items);
  if (expressions.template) return expressions.template(document);
  if (options.format === 'json' || options.format === 'yaml') return renderDocument(document, options.format);
  if (expressions.columns) {
    return items.length === 0
      ? ''
      : renderTable(expressions.columns, items, { headers: options.headers ?? true });
  }
  if (options.format === 'name') {
    return groups
      .flatMap(({ plural, items }) => items.map((item) => `${qualifiedName(plural, item)}\n`))
      .join('');
  }
  const shown = groups.filter((group) => group.items.length > 0);
  const tables = shown.map(({ plural, items }) => {
    const columns = resourceColumns(plural, {
      wide: options.format === 'wide',
      qualified: groups.length > 1,
    });
    return layOutTable(columns, items, { headers: options.headers ?? true })
      .lines.map((line) => `${line}\n`)
      .join('');
  });
  return tables.join('\n');
}

export const listOf = (items: readonly Resource[]) => ({ apiVersion, kind: 'List', items });

/** One JSON or YAML document, its last line ended. */
export async function renderDocument(value: unknown, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** `application/shop`. */
export const qualifiedName = (plural: KindPlural, item: Resource): string =>
  `${kindViews[plural].singular}/${item.metadata.name}`;

/** The columns of a kind; with `qualified` its names tell the kind too, for a list of several kinds. */
export function resourceColumns(
  plural: KindPlural,
  options: { wide: boolean; qualified: boolean },
): Column<Resource>[] {
  const view = kindViews[plural] as unknown as KindView<Resource>;
  const [name, ...others] = view.columns;
  const first = options.qualified
    ? { header: name!.header, value: (item: Resource) => qualifiedName(plural, item) }
    : name!;
  return [first, ...others, ...(options.wide ? view.wideColumns : [])];
}
