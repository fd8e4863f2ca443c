// What a selector selects.
import { CmigError } from '../core/errors.ts';
import type { OrchestratorContext } from './context.ts';
import { type Inventory, readInventory } from './inventory.ts';
import { applicationsAway } from './last-holder.ts';
import { parseSelector } from './selector.ts';

/** The names, each once. @throws CmigError `invalid` (selector); as `requireAnswers` */
export async function selectNames(
  context: OrchestratorContext,
  part: 'applications' | 'checkpoints',
  selector: string,
): Promise<string[]> {
  const matches = parseSelector(selector);
  const inventory = await readInventory(context, { parts: [part] });
  await requireAnswers(context, inventory, part);
  const found = inventory[part].filter(({ metadata }) => matches(metadata.labels));
  return [...new Set(found.map(({ metadata }) => metadata.name))];
}

/**
 * What is done to all that have certain labels is not done where only some of them can be seen.
 * @throws CmigError `unreachable` where a host does not answer that is known to have applications, or may have checkpoints
 */
export async function requireAnswers(
  context: OrchestratorContext,
  inventory: Inventory,
  part: 'applications' | 'checkpoints',
): Promise<void> {
  const away = await applicationsAway(context, inventory);
  const hosts = inventory.unreachable.filter(
    (host) => part === 'checkpoints' || away.some((each) => each.host === host),
  );
  if (hosts.length === 0) return;
  throw new CmigError(
    'unreachable',
    `${hosts.join(', ')} did not answer, and may have ${part} with these labels: nothing was done`,
    { hint: 'name those that you mean; for a host that is lost for good: cmig host remove HOST --lost' },
  );
}
