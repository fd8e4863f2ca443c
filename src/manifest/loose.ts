// Reads parts of data that may have any shape: what has the wrong shape was reported and counts as absent.
import type { Path } from './problems.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export interface LooseContainer {
  fields: Fields;
  path: Path;
  name: string | undefined;
}

/** The containers of a manifest, as far as they are mappings. */
export function containersOf(manifest: unknown): LooseContainer[] {
  return itemsOf(fieldsOf(fieldsOf(manifest).spec).containers).map((item, index) => {
    const fields = fieldsOf(item);
    return { fields, path: ['spec', 'containers', index], name: textOf(fields.name) };
  });
}
