// What a command says beside its result when not every host could be asked.
import type { Inventory } from '../orchestrator/inventory.ts';
import type { Invocation } from './command.ts';

export function warnOfInventory(invocation: Pick<Invocation, 'notice'>, inventory: Inventory): void {
  for (const warning of inventory.warnings) invocation.notice(`warning: ${warning}`);
  if (inventory.unreachable.length === 0) return;
  invocation.notice(
    `warning: ${inventory.unreachable.join(', ')} did not answer: what is only there is not shown`,
  );
}
