// Moves all applications with certain labels to one host.
import type { OrchestratorContext } from '../context.ts';
import { findHost, readInventory } from '../inventory.ts';
import { requireAnswers } from '../selecting.ts';
import { parseSelector } from '../selector.ts';
import { leftOf } from './left-behind.ts';
import { type MovingOptions, moveMany } from './move-many.ts';
import type { MoveResult } from './move-result.ts';

export interface MoveSelectedOptions extends MovingOptions {
  selector: string;
  to: string;
}

/** What `migrate -l -o json` prints; stable. */
export interface MoveSelectedReport {
  to: string;
  dryRun: boolean;
  applications: MoveResult[];
}

/** Those that are there, or do not run, are left. @throws CmigError `not-found` (host), `invalid` (selector); as `requireAnswers` */
export async function moveSelected(
  context: OrchestratorContext,
  options: MoveSelectedOptions,
): Promise<MoveSelectedReport> {
  const { to, dryRun } = options;
  const matches = parseSelector(options.selector);
  const inventory = await readInventory(context, { parts: ['applications'] });
  findHost(inventory, to);
  await requireAnswers(context, inventory, 'applications');
  const left: MoveResult[] = [];
  const moving = inventory.applications.filter((application) => {
    const { metadata, status } = application;
    if (!matches(metadata.labels)) return false;
    const { name } = metadata;
    const there: MoveResult = { application: name, from: to, outcome: 'left', note: `it is on ${to}` };
    const stays = status.host === to ? there : leftOf(application);
    if (stays) left.push(stays);
    return !stays;
  });
  const moved = await moveMany(context, {
    ...options,
    moves: moving.map(({ metadata, status }) => ({
      application: metadata.name,
      from: status.host,
      choice: { to },
    })),
    again: () => ({ why: `${to} does not take it` }),
  });
  return { to, dryRun, applications: [...moved, ...left] };
}
