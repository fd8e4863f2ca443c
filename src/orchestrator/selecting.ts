// What a selector selects.
import type { OrchestratorContext } from './context.ts';
import { readInventory } from './inventory.ts';
import { parseSelector } from './selector.ts';

/** The names, each once. @throws CmigError `invalid` (selector) */
export async function selectNames(
  context: OrchestratorContext,
  part: 'applications' | 'checkpoints',
  selector: string,
): Promise<string[]> {
  const matches = parseSelector(selector);
  const inventory = await readInventory(context, { parts: [part] });
  const found = inventory[part].filter(({ metadata }) => matches(metadata.labels));
  return [...new Set(found.map(({ metadata }) => metadata.name))];
}
