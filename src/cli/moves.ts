// What `drain` and `migrate -l` have in common: how they are interrupted, how they end.
import { CmigError } from '../core/errors.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { type MoveResult, worstOf } from '../orchestrator/moving/move-result.ts';
import { moveSummary, moveWarnings } from '../view/move-summary.ts';
import type { Invocation } from './command.ts';

/** @throws CmigError `invalid` */
export function readParallel(invocation: Invocation): number {
  const parallel = invocation.integer('parallel')!;
  if (parallel > 0) return parallel;
  throw new CmigError('invalid', '--parallel must be at least 1', { hint: '2 if absent' });
}

/** What an interruption does. */
export const waitsForOutcomes =
  'cancelling: no further one is begun, waiting for the true outcome of the others; interrupt again to leave at once';

/**
 * Prints the document, or the table. @returns the exit code
 * @param ending what those have not done that stay, such as `did not leave host-a`, and what can be done then
 * @throws CmigError the worst of what has happened, unless the document tells it
 */
export function endMoves(
  invocation: Invocation,
  report: { applications: MoveResult[]; warnings?: string[] },
  ending: { failed: string; hint?: string },
): number {
  const { applications, warnings = [] } = report;
  const worst = worstOf(applications, invocation.signal.aborted);
  if (invocation.output === 'json') {
    invocation.printJson(report);
    return worst ? exitCodes[worst] : 0;
  }
  for (const warning of [...warnings, ...moveWarnings(applications)])
    invocation.notice(`warning: ${warning}`);
  if (applications.length > 0) for (const line of moveSummary(applications)) invocation.print(line);
  if (!worst) return 0;
  const staying = applications.filter((each) => worstOf([each]) !== undefined);
  const names = staying.map(({ application }) => application).join(', ');
  const unclear = staying.find(({ outcome }) => outcome === 'needs-attention')?.report;
  throw new CmigError(worst, `${names} ${ending.failed}`, {
    hint: unclear ? `look at it with: cmig describe migration ${unclear.migration}` : ending.hint,
  });
}
