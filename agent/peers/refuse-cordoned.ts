// What is new to a host that is cordoned has to go elsewhere.
import { CmigError } from '../../src/core/errors.ts';
import type { HostRegistry } from './host-registry.ts';

/** @throws CmigError `conflict` where this host is cordoned */
export function refuseCordoned({ own }: Pick<HostRegistry, 'own'>, application: string): void {
  if (!own.unschedulable) return;
  throw new CmigError('conflict', `${own.name} is cordoned: it does not take ${application}`, {
    hint: `choose another host, or lift it: cmig uncordon ${own.name}`,
  });
}
