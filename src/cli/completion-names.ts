// The names that live outside the program, for completion: asked for quickly, or not at all.
import { parseDurationMs } from '../core/units.ts';
import type { Inventory } from '../orchestrator/inventory.ts';
import type { Completion } from './command.ts';
import { readContexts } from './contexts.ts';
import { kindNamed } from './declarations/kinds.ts';

/** After which a shell would feel broken. */
const usualLimitMs = 240;

/** How long completion may take, in ms; a broker that is far away needs more: `CMIG_COMPLETION_TIMEOUT=2s`. */
export function completionLimitMs(): number {
  const wanted = process.env.CMIG_COMPLETION_TIMEOUT;
  try {
    return wanted ? parseDurationMs(wanted) : usualLimitMs;
  } catch {
    return usualLimitMs;
  }
}

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
    case 'checkpoint':
      return liveNames('checkpoints', options.context);
    case 'migration':
      return liveNames('migrations', options.context);
    case 'container': {
      const application = (await readLive('applications', options.context)).find(
        ({ metadata }) => metadata.name === given[0]?.replace(/^.*\//, ''),
      );
      return application?.spec.containers.map(({ name }) => name) ?? [];
    }
    case 'kind-and-name': {
      const [prefix = '', ...name] = word.split('/');
      if (name.length === 0) return ['app/', 'host/', 'checkpoint/', 'migration/'];
      const kind = kindNamed(prefix);
      return kind ? (await liveNames(kind, options.context)).map((each) => `${prefix}/${each}`) : [];
    }
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

type LiveKind = 'applications' | 'hosts' | 'checkpoints' | 'images' | 'migrations';

/** Each once: an image may be on several hosts. */
const liveNames = async (kind: LiveKind, context: string | undefined): Promise<string[]> => [
  ...new Set((await readLive(kind, context)).map(({ metadata }) => metadata.name)),
];

async function readLive<K extends LiveKind>(kind: K, context: string | undefined): Promise<Inventory[K]> {
  const { withOrchestrator } = await import('./session.ts');
  const timeoutMs = completionLimitMs();
  return withOrchestrator(
    { context, path: 'cmig completion' },
    async (session) => {
      const { readInventory } = await import('../orchestrator/inventory.ts');
      const parts = kind === 'hosts' ? [] : [kind];
      return (await readInventory(session, { timeoutMs, parts }))[kind];
    },
    { timeoutMs },
  );
}
