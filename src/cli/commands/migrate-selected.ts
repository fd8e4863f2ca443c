// `cmig migrate -l`: all applications with certain labels, to one host.
import { moveSelected } from '../../orchestrator/moving/move-selected.ts';
import type { Invocation } from '../command.ts';
import { endMoves, readParallel, waitsForOutcomes } from '../moves.ts';
import { withOrchestrator } from '../session.ts';
import { showProgress } from '../show-progress.ts';

export async function runSelected(invocation: Invocation, selector: string): Promise<number> {
  const to = invocation.required('HOST');
  const parallel = readParallel(invocation);
  const report = await withOrchestrator(
    invocation,
    (session) =>
      showProgress(
        invocation,
        (onProgress) =>
          moveSelected(session, {
            ...{ selector, to, parallel, onProgress },
            strategy: invocation.text('strategy'),
            dryRun: invocation.flag('dry-run'),
            signal: invocation.signal,
            caller: `${session.caller}: cmig migrate -l ${selector} ${to}`,
          }),
        waitsForOutcomes,
      ),
    { reconnect: true },
  );
  if (report.applications.length === 0 && invocation.output !== 'json')
    invocation.notice('no applications found');
  return endMoves(invocation, report, { failed: `did not reach ${to}` });
}
