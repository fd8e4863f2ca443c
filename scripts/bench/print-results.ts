// Results on the screen: a heading, a table with medians and their range, and lines that set one number beside another.
import { layOutTable } from '../../src/view/table.ts';
import { type Summary, summarize } from './statistics.ts';

export interface ResultRow {
  /** One cell for each of the table's leading columns. */
  labels: string[];
  samples: readonly number[];
}

export interface ResultTable {
  title: string;
  /** Headers of the labels. */
  labels: string[];
  unit: string;
  /** Decimal places; 0 if absent. */
  digits?: number;
  rows: readonly ResultRow[];
}

export function printResults({ title, labels, unit, digits = 0, rows }: ResultTable): void {
  const value = (of: keyof Summary) => (row: ResultRow) => summarize(row.samples)[of].toFixed(digits);
  const { lines } = layOutTable(
    [
      ...labels.map((header, index) => ({ header, value: (row: ResultRow) => row.labels[index] ?? '' })),
      { header: `MEDIAN ${unit}`, value: value('median') },
      { header: 'MIN', value: value('min') },
      { header: 'MAX', value: value('max') },
      { header: 'RUNS', value: (row: ResultRow) => String(row.samples.length) },
    ],
    rows,
  );
  console.log(`\n${title}\n\n${lines.join('\n')}\n`);
}

/** The ratio of two medians, with the project's goal for it beside. */
export function printRatio(
  what: string,
  samples: readonly number[],
  base: readonly number[],
  goal?: string,
): void {
  const ratio = summarize(samples).median / summarize(base).median;
  console.log(`${what}: ${ratio.toFixed(2)} times${goal ? ` (goal: ${goal})` : ''}`);
}
