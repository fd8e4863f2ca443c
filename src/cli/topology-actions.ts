// What the live view can have done. Whatever changes something is a command of its own: quitting the view ends none.
import { CmigError, fromFault } from '../core/errors.ts';
import { followLogs } from '../orchestrator/log-following.ts';
import { type MigrationReport, migrate } from '../orchestrator/migration/migrate.ts';
import type { DrainReport } from '../orchestrator/moving/drain-host.ts';
import { worstOf } from '../orchestrator/moving/move-result.ts';
import { readRecentEvents } from '../orchestrator/recent-events.ts';
import type { TopologyActions } from '../tui/actions.ts';
import { eventSubjects } from '../view/event-text.ts';
import { reportText } from '../view/migration-report.ts';
import { drainText } from '../view/move-summary.ts';
import { runDetached } from './detached-command.ts';
import type { Session } from './session.ts';

const linesBefore = 200;

/** @returns the actions, and what they have begun that is not over, in words */
export function topologyActions(session: Session): { actions: TopologyActions; underWay: Set<string> } {
  const underWay = new Set<string>();
  const context = ['--context', session.context.name];
  async function run(doing: string, words: readonly string[]): Promise<unknown> {
    underWay.add(doing);
    try {
      return await runDetached([...words, ...context]);
    } finally {
      underWay.delete(doing);
    }
  }
  const actions: TopologyActions = {
    preflight: (application, to, strategy, signal) =>
      migrate(session, {
        application,
        to,
        strategy,
        dryRun: true,
        signal,
        caller: `${session.caller}: cmig topology, preflight of ${application}`,
      }),
    async migrate(application, to, strategy) {
      const words = ['migrate', application, to, '--strategy', strategy];
      const report = (await run(`${application} is on its way to ${to}`, words)) as MigrationReport;
      if (report.outcome === 'committed') return reportText(report);
      const because = report.error ? `: ${report.error.message}` : '';
      throw new CmigError(report.outcome ?? 'failed', `${reportText(report)}${because}`, {
        ...(report.error ? { cause: fromFault(report.error) } : {}),
      });
    },
    async stop(application) {
      await run(`${application} is being stopped`, ['stop', application]);
      return `${application} is stopped`;
    },
    async start(application) {
      await run(`${application} is being started`, ['start', application]);
      return `${application} is started`;
    },
    async cordon(host) {
      await run(`${host} is being cordoned`, ['cordon', host]);
      return `${host} is cordoned`;
    },
    async uncordon(host) {
      await run(`${host} is being uncordoned`, ['uncordon', host]);
      return `${host} is uncordoned`;
    },
    async drain(host) {
      const report = (await run(`${host} is being drained`, ['drain', host])) as DrainReport;
      const worst = worstOf(report.applications);
      if (worst === undefined) return drainText(report);
      throw new CmigError(worst, drainText(report));
    },
    logs: (application, signal) =>
      followLogs(session, application, { follow: true, tail: linesBefore, signal }),
    pastEvents: (subject) =>
      readRecentEvents(session, {
        matches: (event) => eventSubjects(event).includes(subject),
        limit: 200,
      }),
  };
  return { actions, underWay };
}
