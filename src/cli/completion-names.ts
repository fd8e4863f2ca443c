// The names that live outside the program, for completion: asked for quickly, or not at all.
import type { Completion } from './command.ts';
import { readContexts } from './contexts.ts';
import { kindNamed } from './declarations/kinds.ts';

/** How long asking the hosts may take, in ms. */
const askMs = 250;

export interface NamesWanted {
  completes: Completion;
  given: readonly string[];
  /** The word as far as it is typed. */
  word: string;
  options: Readonly<Record<string, string>>;
}

/** @throws whatever keeps it from finding out; whoever completes words then offers none. */
export async function completionNames({ completes, given, word, options }: NamesWanted): Promise<string[]> {
  switch (completes) {
    case 'context':
      return (await readContexts()).contexts.map(({ name }) => name);
    case 'event-type': {
      const { events } = await import('../contract/events.ts');
      const types = Object.keys(events);
      return [...new Set([...types.map((type) => type.split('.')[0]!), ...types])];
    }
    case 'application':
      return liveNames('applications', options.context);
    case 'host':
      return liveNames('hosts', options.context);
    case 'migration':
      return liveNames('migrations', options.context);
    case 'name-of-kind': {
      const kind = kindNamed(given[0] ?? '');
      return kind ? liveNames(kind, options.context) : [];
    }
    case 'field': {
      const { explain, explainableKinds } = await import('../manifest/explain.ts');
      const above = word.split('.').slice(0, -1).join('.');
      if (!above) return [...explainableKinds];
      const { path, fields } = explain(above);
      return fields.map(({ name }) => `${path}.${name}`);
    }
    case 'lab': {
      const { listLabs } = await import('../lab/lab.ts');
      return listLabs();
    }
    case 'lab-host': {
      const { labStatus } = await import('../lab/lab.ts');
      return (await labStatus({ name: options.name ?? 'lab' })).hosts.map(({ name }) => name);
    }
    default:
      return [];
  }
}

async function liveNames(
  kind: 'applications' | 'hosts' | 'migrations',
  context: string | undefined,
): Promise<string[]> {
  const { withOrchestrator } = await import('./session.ts');
  return withOrchestrator(
    { context, path: 'cmig completion' },
    async (session) => {
      const { readInventory } = await import('../orchestrator/inventory.ts');
      const inventory = await readInventory(session, {
        timeoutMs: askMs,
        parts: kind === 'hosts' ? [] : [kind],
      });
      return inventory[kind].map(({ metadata }) => metadata.name);
    },
    { timeoutMs: askMs },
  );
}
