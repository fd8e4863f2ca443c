// What `-l` selects, for commands that otherwise take names.
import { selectNames } from '../orchestrator/selecting.ts';
import type { Invocation } from './command.ts';
import type { Session } from './session.ts';

/** Says so where there is none, as kubectl does: it is no error. */
export async function selectedNames(
  invocation: Invocation,
  session: Session,
  selector: string,
  kind: 'application' | 'checkpoint' = 'application',
): Promise<string[]> {
  const names = await selectNames(session, `${kind}s`, selector);
  if (names.length === 0 && invocation.output === undefined) invocation.notice(`no ${kind}s found`);
  return names;
}
