// Keeps further applications off a host, or lets them come again; what runs there stays.
import { CmigError } from '../core/errors.ts';
import { throwAll } from '../core/throw-all.ts';
import type { OrchestratorContext } from './context.ts';
import { findHost } from './finding.ts';
import { readInventory } from './inventory.ts';
import { parseSelector } from './selector.ts';

export interface CordonResult {
  name: string;
  unschedulable: boolean;
  /** False where it was so before. */
  changed: boolean;
}

export interface CordonOptions {
  /** These hosts, or those that `selector` selects by their labels. */
  names: readonly string[];
  selector?: string | undefined;
  unschedulable: boolean;
  /** Called with each host as it is done. */
  onResult?: (result: CordonResult) => void;
}

/**
 * One that cannot be reached does not keep the others.
 * @throws CmigError `not-found` before anything is changed; `unreachable`
 */
export async function cordonHosts(
  context: OrchestratorContext,
  { names, selector, unschedulable, onResult }: CordonOptions,
): Promise<CordonResult[]> {
  const matches = selector === undefined ? undefined : parseSelector(selector);
  const inventory = await readInventory(context, { parts: [] });
  const hosts = matches
    ? inventory.hosts.filter(({ metadata }) => matches(metadata.labels))
    : [...new Set(names)].map((name) => findHost(inventory, name));
  const results: CordonResult[] = [];
  const failures: CmigError[] = [];
  for (const { metadata } of hosts) {
    try {
      const { changed } = await cordonHost(context, metadata.name, unschedulable);
      const result = { name: metadata.name, unschedulable, changed };
      results.push(result);
      onResult?.(result);
    } catch (error) {
      if (!(error instanceof CmigError)) throw error;
      failures.push(error);
    }
  }
  throwAll(failures, `${failures.length} of ${hosts.length} hosts could not be told`);
  return results;
}

/** @throws CmigError `unreachable`: whether a host takes applications is for its own agent to know. */
export const cordonHost = (
  { rpc }: OrchestratorContext,
  host: string,
  unschedulable: boolean,
): Promise<{ changed: boolean }> => rpc.call(host, 'host.cordon', { unschedulable }, { failFast: true });
