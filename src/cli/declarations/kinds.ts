// The kinds that `get`, `describe` and `explain` accept, with kubectl's kind of short names.
import type { Choice } from '../command.ts';

/** What exists somewhere and can be listed. */
export const listedKinds: readonly Choice[] = [
  { name: 'applications', aliases: ['application', 'apps', 'app', 'Application'] },
  { name: 'hosts', aliases: ['host', 'Host'] },
  { name: 'migrations', aliases: ['migration', 'migs', 'mig', 'Migration'] },
];
