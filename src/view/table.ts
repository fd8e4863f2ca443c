// Tables as kubectl prints them: capital headers, columns three spaces apart, no rules.

export interface Column<T> {
  header: string;
  value: (row: T) => string;
}

export interface TableOptions {
  headers?: boolean;
  /** Widths of an earlier part of the same table, so that a watched table stays aligned. */
  minWidths?: readonly number[];
}

const gap = 3;
const blank = '<none>';

/** The lines of a table, without trailing blanks, and the widths its columns took. */
export function layOutTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  options: TableOptions = {},
): { lines: string[]; widths: number[] } {
  // A line break or an escape sequence in a value must not break the table, or the terminal.
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row)) || blank));
  if (options.headers !== false) cells.unshift(columns.map((column) => column.header));
  const widths = columns.map((_, index) =>
    Math.max(options.minWidths?.[index] ?? 0, ...cells.map((line) => line[index]!.length)),
  );
  const lines = cells.map((line) =>
    line
      .map((cell, index) => cell.padEnd(widths[index]! + gap))
      .join('')
      .trimEnd(),
  );
  return { lines, widths };
}

/** A table as one text, each line ended. */
export const renderTable = <T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  options: TableOptions = {},
): string =>
  layOutTable(columns, rows, options)
    .lines.map((line) => `${line}\n`)
    .join('');

/** The text with control characters shown instead of obeyed. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    character === '\t' ? ' ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
