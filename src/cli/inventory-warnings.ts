// What a command says beside its result when not every host could be asked.
import type { Invocation } from './command.ts';

export function warnOfInventory(
  invocation: Pick<Invocation, 'notice'>,
  { warnings, unreachable }: { warnings: readonly string[]; unreachable: readonly string[] },
): void {
  for (const warning of warnings) invocation.notice(`warning: ${warning}`);
  if (unreachable.length === 0) return;
  invocation.notice(`warning: ${unreachable.join(', ')} did not answer: what is only there is not shown`);
}
