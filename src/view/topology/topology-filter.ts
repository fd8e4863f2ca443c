// What the filter leaves: words are parts of names, and `key=value`, `key!=value`, `!key` select by label, as `-l` does.
import type { Application } from '../../contract/application.ts';
import { parseSelector } from '../../orchestrator/selector.ts';
import type { HostState, ReadModel } from '../read-model/read-model.ts';

type Matches = (name: string, labels: Record<string, string> | undefined) => boolean;

/** What matches all words; a word that is not understood (yet, while it is typed) matches nothing. */
function matcher(filter: string): Matches | undefined {
  const words = filter.split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  const tests = words.map((word): Matches => {
    if (!/[=!]/.test(word)) return (name) => name.includes(word);
    try {
      const selects = parseSelector(word);
      return (_, labels) => selects(labels);
    } catch {
      return () => false;
    }
  });
  return (name, labels) => tests.every((test) => test(name, labels));
}

/** A host with those of its applications that are shown. */
export interface ShownHost {
  state: HostState;
  applications: Application[];
}

/**
 * Hosts in order of their names: one that matches has all its applications, another one those that match, and without
 * any it is left out.
 */
export function filterTopology(state: ReadModel, filter: string): ShownHost[] {
  const matches = matcher(filter);
  const byHost = Map.groupBy(state.applications.values(), ({ status }) => status.host);
  return [...state.hosts.values()]
    .sort((a, b) => order(a.host.metadata.name, b.host.metadata.name))
    .map((host) => {
      const { name, labels } = host.host.metadata;
      const all = (byHost.get(name) ?? []).sort((a, b) => order(a.metadata.name, b.metadata.name));
      const whole = !matches || matches(name, labels);
      const applications = whole
        ? all
        : all.filter(({ metadata }) => matches(metadata.name, metadata.labels));
      return { state: host, applications, shown: whole || applications.length > 0 };
    })
    .filter(({ shown }) => shown)
    .map(({ state, applications }) => ({ state, applications }));
}

/** Names with numbers in them in the order a person expects: host-2 before host-10. */
const collator = new Intl.Collator('en', { numeric: true });
const order = collator.compare;
