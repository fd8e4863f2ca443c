// How it went with several applications that were to be moved: a table, a line each.
import type { Fault } from '../contract/fault.ts';
import { problemText } from '../core/problem-text.ts';
import type { DrainReport } from '../orchestrator/moving/drain-host.ts';
import { type MoveResult, worstOf } from '../orchestrator/moving/move-result.ts';
import { formatBytes, formatCount, formatDuration } from './formats.ts';
import { type Column, layOutTable } from './table.ts';

const columns: readonly Column<MoveResult>[] = [
  { header: 'APPLICATION', value: ({ application }) => application },
  { header: 'FROM', value: ({ from }) => from },
  { header: 'TO', value: ({ to, outcome }) => (to && outcome !== 'left' ? to : '-') },
  { header: 'OUTCOME', value: ({ outcome }) => outcome },
  { header: 'FROZEN', value: ({ report }) => (report?.frozenMs ? formatDuration(report.frozenMs) : '-') },
  { header: 'BYTES', value: ({ report }) => (report?.outcome ? formatBytes(report.bytes.total) : '-') },
];
const message: Column<MoveResult> = {
  header: 'MESSAGE',
  value: ({ note, error }) => note ?? (error ? reason(error) : ''),
};

/** Without the column of messages where there is none. */
export function moveSummary(results: readonly MoveResult[]): string[] {
  const told = results.some(({ note, error }) => note ?? error);
  return layOutTable(told ? [...columns, message] : columns, results).lines;
}

/** The problems where there are some, since the message says no more than that. */
function reason({ message, problems = [] }: Fault): string {
  return [message, ...problems.map((problem) => problem.message)].join('; ');
}

/**
 * What was warned of, with the applications that it concerns in front: `one, two: kernel 6.18 on host-a, …`. What several
 * of them were warned of is said once.
 */
export function moveWarnings(results: readonly MoveResult[]): string[] {
  const found = new Map<string, { text: string; applications: string[] }>();
  const add = (application: string, key: string, text: string): void => {
    const known = found.get(key);
    if (!known) found.set(key, { text, applications: [application] });
    else if (!known.applications.includes(application)) known.applications.push(application);
  };
  for (const { application, from, to, report, error } of results) {
    const findings = [...(report?.findings ?? []), ...(error?.warnings ?? [])];
    for (const each of findings) {
      const { where, message, hint, source } = each;
      // What is measured anew for each application differs by a digit: the place where it is written does not.
      add(application, JSON.stringify([from, to, where, hint, source ?? message]), problemText(each));
    }
    const told = new Set(findings.map(problemText));
    for (const text of report?.warnings ?? []) if (!told.has(text)) add(application, text, text);
  }
  return [...found.values()].map(({ applications, text }) => `${applications.join(', ')}: ${text}`);
}

/** In one sentence: `host-a is drained: 3 applications have gone`, or which ones have not. */
export function drainText({ host, applications }: DrainReport): string {
  const staying = applications.filter((result) => worstOf([result]) !== undefined);
  const gone = applications.filter(({ outcome }) => outcome === 'committed').length;
  if (staying.length === 0) return `${host} is drained: ${formatCount(gone, 'application')} moved`;
  const named = staying.map(({ application, outcome, error }) =>
    error ? `${application} ${outcome}: ${reason(error)}` : `${application} ${outcome}`,
  );
  return `${host} is not drained (${named.join('; ')})`;
}
