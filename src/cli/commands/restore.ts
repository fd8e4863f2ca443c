// `cmig restore`.
import { problemText } from '../../core/problem-text.ts';
import { restoreApplication } from '../../orchestrator/restoring.ts';
import { restoreText } from '../../view/checkpoint-text.ts';
import type { Invocation } from '../command.ts';
import { withOrchestrator } from '../session.ts';
import { waitsForOutcome } from '../show-progress.ts';

export const run = (invocation: Invocation): Promise<void> =>
  restoreBy(invocation, { checkpoint: invocation.required('checkpoint'), host: invocation.text('host') });

/** Also for `cmig migrate --from-checkpoint`. */
export async function restoreBy(
  invocation: Invocation,
  where: { checkpoint: string; host: string | undefined },
): Promise<void> {
  const result = await withOrchestrator(
    invocation,
    (session) =>
      restoreApplication(session, {
        application: invocation.required('APP'),
        ...where,
        discardCurrent: invocation.flag('discard-current'),
        caller: `${session.caller}: ${invocation.path} ${invocation.required('APP')}`,
        signal: invocation.signal,
        onTurningBack: () => invocation.notice(waitsForOutcome),
      }),
    { reconnect: true },
  );
  for (const warning of result.warnings ?? []) invocation.notice(`warning: ${problemText(warning)}`);
  if (invocation.output === 'json') return invocation.printJson(result);
  invocation.print(restoreText(result));
}
