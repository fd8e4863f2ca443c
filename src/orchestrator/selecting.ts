// The applications that a selector selects.
import type { Application } from '../contract/application.ts';
import type { OrchestratorContext } from './context.ts';
import { readInventory } from './inventory.ts';
import { parseSelector } from './selector.ts';

/** By their names. @throws CmigError `invalid` (selector) */
export async function selectApplications(
  context: OrchestratorContext,
  selector: string,
): Promise<Application[]> {
  const matches = parseSelector(selector);
  const { applications } = await readInventory(context, { parts: ['applications'] });
  return applications.filter(({ metadata }) => matches(metadata.labels));
}
