// How a migration went, in one sentence.
import type { MigrationReport } from '../orchestrator/migration/migrate.ts';
import { formatBytes, formatCount, formatDuration } from './formats.ts';

/** `shop moved from host-a to host-b: frozen for 0.63 s, 5 connections kept, 24 MiB`. */
export function reportText(report: MigrationReport): string {
  const { application, from, to } = report;
  switch (report.outcome) {
    case 'committed':
      return `${application} moved from ${from} to ${to}: frozen for ${formatDuration(report.frozenMs)}, ${formatCount(report.connections, 'connection')} kept, ${formatBytes(report.bytes.total)}`;
    case 'rolled-back': {
      const frozen =
        report.frozenMs > 0 ? `, after it was frozen for ${formatDuration(report.frozenMs)}` : '';
      return `the migration of ${application} to ${to} was rolled back: it runs on ${from} as before${frozen}`;
    }
    default:
      return `the migration of ${application} from ${from} to ${to} needs attention`;
  }
}

/** What a dry run says: the steps that would come. */
export function planText(report: MigrationReport): string {
  const { application, from, to, strategy, plan = [] } = report;
  const steps = plan.map((title, index) => `  ${index + 1}. ${title}`);
  return [`${application} can move from ${from} to ${to} by ${strategy}:`, ...steps].join('\n');
}
