// What every kind of resource brings along to be listed and described.
import type { Field } from '../description.ts';
import type { Column } from '../table.ts';

export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
}

export interface KindView<T extends Resource> {
  kind: T['kind'];
  /** As in `shop` of `application/shop`. */
  singular: string;
  plural: string;
  shortNames: readonly string[];
  columns: readonly Column<T>[];
  /** What `-o wide` adds at the end. */
  wideColumns: readonly Column<T>[];
  describe(item: T): Field[];
}

/** `a=b,c=d`, or the empty text. */
export const formatLabels = (labels: Record<string, string> | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
