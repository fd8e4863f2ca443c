// What doctor has found, as a table with the commands that mend it below each line.
import type { Finding } from '../contract/diagnosis.ts';
import type { Diagnosis } from '../orchestrator/diagnosing.ts';
import { formatCount } from './formats.ts';
import { type Column, layOutTable } from './table.ts';

interface Row extends Finding {
  host: string;
}

const columns: Column<Row>[] = [
  { header: 'HOST', value: ({ host }) => host },
  { header: 'CHECK', value: ({ check }) => check },
  { header: 'STATUS', value: ({ level }) => level },
  { header: 'FOUND', value: ({ message }) => message },
];

/** What is well is only counted, unless `all` is asked for. */
export function renderDiagnoses(diagnoses: readonly Diagnosis[], { all = false } = {}): string[] {
  const rows = diagnoses.flatMap(({ host, findings }) =>
    findings.map((finding): Row => ({ host, ...finding })),
  );
  const shown = all ? rows : rows.filter(({ level }) => level !== 'ok');
  const lines = shown.length > 0 ? withCures(shown) : [];
  const count = (level: Finding['level']) => rows.filter((row) => row.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const counts = `${formatCount(problems, 'problem')}, ${formatCount(warnings, 'warning')}`;
  return [
    ...lines,
    `${formatCount(rows.length, 'check')} on ${formatCount(diagnoses.length, 'host')}: ${problems + warnings > 0 ? counts : 'all is well'}`,
  ];
}

function withCures(rows: readonly Row[]): string[] {
  const [heading = '', ...lines] = layOutTable(columns, rows).lines;
  const indent = ' '.repeat(heading.indexOf('FOUND'));
  return [
    heading,
    ...lines.flatMap((line, index) => {
      const { command, hint, host } = rows[index]!;
      return [
        line,
        ...(command ? [`${indent}on ${host}: ${command}`] : []),
        ...(hint ? [`${indent}${hint}`] : []),
      ];
    }),
  ];
}
