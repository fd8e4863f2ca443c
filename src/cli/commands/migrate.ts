// `cmig migrate`.
import { CmigError, fromFault } from '../../core/errors.ts';
import { exitCodes } from '../../core/exit-codes.ts';
import { migrate } from '../../orchestrator/migration/migrate.ts';
import { planText, reportText } from '../../view/migration-report.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';
import { showProgress, waitsForOutcome } from '../show-progress.ts';

export async function run(invocation: Invocation): Promise<number> {
  const selector = invocation.text('selector');
  const checkpoint = invocation.text('from-checkpoint');
  if (selector !== undefined && checkpoint !== undefined)
    throw new CmigError('invalid', 'a checkpoint is one of a single application: leave out -l', {
      hint: `such as: cmig migrate shop host-b --from-checkpoint ${checkpoint}`,
    });
  if (selector !== undefined)
    return (await import('./migrate-selected.ts')).runSelected(invocation, selector);
  if (checkpoint !== undefined) return await fromCheckpoint(invocation, checkpoint);
  if (invocation.flag('discard-current'))
    throw new CmigError('invalid', '--discard-current goes with --from-checkpoint only');
  const application = invocation.required('APP');
  const to = invocation.required('HOST');
  const dryRun = invocation.flag('dry-run');
  const json = invocation.output === 'json';
  const { signal } = invocation;
  const report = await withOrchestrator(
    invocation,
    (session) =>
      showProgress(
        invocation,
        (onProgress) =>
          migrate(session, {
            application,
            to,
            strategy: invocation.text('strategy'),
            dryRun,
            signal,
            onProgress,
            caller: `${session.caller}: ${invocation.path} ${application} ${to}`,
          }),
        waitsForOutcome,
      ),
    { reconnect: true },
  );
  if (json) {
    invocation.printJson(report);
  } else {
    for (const warning of report.warnings) invocation.notice(`warning: ${warning}`);
    if (dryRun) invocation.print(planText(report));
    else if (report.outcome === 'committed') invocation.print(reportText(report));
  }
  if (report.outcome === undefined || report.outcome === 'committed') return 0;
  const cancelled = report.outcome === 'rolled-back' && signal.aborted;
  const code = cancelled ? 'cancelled' : report.outcome;
  // In JSON the report is the one document and carries the error.
  if (json) return exitCodes[code];
  throw new CmigError(code, reportText(report), {
    hint:
      report.outcome === 'needs-attention'
        ? `look at it with: cmig describe migration ${report.migration}`
        : undefined,
    ...(report.error ? { cause: fromFault(report.error) } : {}),
  });
}

async function fromCheckpoint(invocation: Invocation, checkpoint: string): Promise<number> {
  if (invocation.flag('dry-run') || invocation.text('strategy') !== undefined)
    throw new CmigError('invalid', '--from-checkpoint goes with neither --dry-run nor --strategy');
  const { restoreBy } = await import('./restore.ts');
  await restoreBy(invocation, { checkpoint, host: invocation.required('HOST') });
  return 0;
}
