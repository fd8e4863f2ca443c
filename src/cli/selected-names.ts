// The applications that `-l` selects, for commands that otherwise take names.
import { selectApplications } from '../orchestrator/selecting.ts';
import type { Invocation } from './command.ts';
import type { Session } from './session.ts';

/** Says so where there is none, as kubectl does: it is no error. */
export async function selectedNames(
  invocation: Invocation,
  session: Session,
  selector: string,
): Promise<string[]> {
  const names = (await selectApplications(session, selector)).map(({ metadata }) => metadata.name);
  if (names.length === 0 && invocation.output === undefined) invocation.notice('no applications found');
  return names;
}
