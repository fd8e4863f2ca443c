// The layout of `describe`: labels with their values, and sections that may nest, as kubectl prints them.
import { printable } from './table.ts';

/** A label with a text, several texts below each other, or a section. Undefined values are left out. */
export type Field = readonly [
  label: string,
  value: string | readonly string[] | readonly Field[] | undefined,
];

const isSection = (value: readonly string[] | readonly Field[]): value is readonly Field[] =>
  Array.isArray(value[0]);

/** The lines of a description; values of one level are aligned. */
export function layOutDescription(fields: readonly Field[], depth = 0): string[] {
  const shown = fields.filter(([, value]) => value !== undefined);
  const indent = '  '.repeat(depth);
  const texts = shown.filter(([, value]) => typeof value === 'string' || !isSection(value as string[]));
  const width = Math.max(0, ...texts.map(([label]) => label.length)) + 3;
  return shown.flatMap(([label, value]) => {
    if (typeof value !== 'string' && isSection(value!)) {
      return [`${indent}${label}:`, ...layOutDescription(value, depth + 1)];
    }
    const lines = typeof value === 'string' ? [value] : [...(value as readonly string[])];
    const [first = '<none>', ...others] = lines.map(printable);
    return [
      `${indent}${`${label}:`.padEnd(width)}${first || '<none>'}`,
      ...others.map((line) => `${indent}${' '.repeat(width)}${line}`),
    ];
  });
}
